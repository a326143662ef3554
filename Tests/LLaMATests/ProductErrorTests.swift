import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Errors of products are those of a plain loop in binary64.
struct ProductErrorTests {
  private let reference: LlamaModel
  private let candidate: LlamaModel

  init() throws {
    let ziya = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    reference = ziya.llama
    let base = try ModelLoader.load(Fixtures.miniZiya("base-meta"))
    candidate = base.llama
  }

  /// Vectors that are not the same in any two places.
  private func inputs(_ columns: Int, _ precision: Precision) throws -> Activations {
    let pass = ForwardPass(reference, workers: Workers(threads: 1), precision: precision)
    var found: Activations?
    var hidden = try pass.embed((0..<21).map { 3 + $0 * 13 })
    try pass.apply(layer: 0, to: &hidden, windows: [0..<21]) { _, input in
      if input.columns == columns { found = input }
    }
    return try #require(found)
  }

  private func rows(_ role: TensorRole, of model: LlamaModel) throws -> [[Double]] {
    let index = try #require(model[role])
    let tensor = model.catalogue.tensors[index]
    let bytes = try model.catalogue.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
    let values = stride(from: 0, to: bytes.count, by: 2).map {
      Double(Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))
    }
    let columns = tensor.shape.columns
    return (0..<tensor.shape.rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
  }

  @Test(arguments: [
    TensorRole.layer(1, .query), .layer(0, .key), .layer(0, .gate), .layer(1, .down),
  ])
  func ofMatrices(role: TensorRole) throws {
    let weights = try rows(role, of: reference)
    let others = try rows(role, of: candidate)
    for precision in [Precision.single, .double] {
      let inputs = try inputs(weights[0].count, precision)
      var (difference, size) = (0.0, 0.0)
      for token in 0..<inputs.rows {
        let x = inputs[token]
        for (row, other) in zip(weights, others) {
          let product = zip(row, x).reduce(0.0) { $0 + $1.0 * $1.1 }
          let lost = zip(zip(row, other), x).reduce(0.0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
          size += product * product
          difference += lost * lost
        }
      }
      let found = try [1, 2, 5].map { threads in
        try ForwardPass(reference, workers: Workers(threads: threads), precision: precision)
          .productError(of: role, in: candidate, on: inputs)
      }
      #expect(found.allSatisfy { $0 == found[0] })
      #expect(abs(found[0].difference / difference - 1) < 1e-5)
      #expect(abs(found[0].size / size - 1) < 1e-5)
      #expect(difference > 0)
    }
  }

  /// A pass that has its products gives the sums that it gives without.
  @Test(arguments: [Precision.single, .double])
  func productsOfThePassGiveTheSameBits(precision: Precision) throws {
    let pass = ForwardPass(reference, workers: Workers(threads: 2), precision: precision)
    let sample = [20, 0, 7, 19, 3, 1, 16, 15, 2, 4, 5, 6, 8, 9, 10, 11, 12]
    var hidden = try pass.embed((0..<21).map { 3 + $0 * 13 })
    var inputs: Activations?
    var seen: [TensorRole] = []
    try pass.apply(layer: 0, to: &hidden, windows: [0..<21]) { _, input in
      inputs = input.selecting(sample)
    } products: { (role, output) throws(WeightmillError) in
      guard let inputs else { return }
      seen.append(role)
      let products = output.selecting(sample)
      for token in [0, 16] {
        #expect(products[token] == output[sample[token]])
      }
      let expected = try pass.productError(of: role, in: candidate, on: inputs)
      let found = try pass.productError(of: role, in: candidate, on: inputs, products: products)
      #expect(found == expected && found.size > 0 && found.difference > 0)
    }
    let matrices: [TensorRole.LayerTensor] = [
      .query, .key, .value, .attentionOutput, .gate, .up, .down,
    ]
    #expect(seen == matrices.map { .layer(0, $0) })
  }

  @Test func ofNorms() throws {
    let role = TensorRole.layer(1, .attentionNorm)
    let inputs = try inputs(256, .single)
    let (gains, others) = (try rows(role, of: reference)[0], try rows(role, of: candidate)[0])
    var (difference, size) = (0.0, 0.0)
    for token in 0..<inputs.rows {
      for (column, x) in inputs[token].enumerated() {
        size += (gains[column] * x) * (gains[column] * x)
        difference +=
          ((gains[column] - others[column]) * x) * ((gains[column] - others[column]) * x)
      }
    }
    let found = try ForwardPass(reference, workers: Workers(threads: 2))
      .productError(of: role, in: candidate, on: inputs)
    #expect(abs(found.difference / difference - 1) < 1e-12)
    #expect(abs(found.size / size - 1) < 1e-12)
  }

  @Test func aTensorHasNoErrorAgainstItself() throws {
    let inputs = try inputs(256, .single)
    let found = try ForwardPass(reference, workers: Workers(threads: 2))
      .productError(of: .layer(0, .up), in: reference, on: inputs)
    #expect(found.difference == 0 && found.size > 0)
  }

  @Test func anotherShapeIsAMismatch() throws {
    let inputs = try inputs(256, .single)
    expectError(.mismatch) {
      _ = try ForwardPass(reference, workers: Workers(threads: 2))
        .productError(of: .output, in: candidate, on: inputs)
    }
  }
}
