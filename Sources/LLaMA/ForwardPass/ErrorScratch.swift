import Synchronization

/// One thread's buffers for the products of the difference of two matrices.
struct ErrorScratch {
  var ours = WeightMatrix.Tile()
  var theirs = WeightMatrix.Tile()
  private let product: TileProduct
  private let other: [Float]
  private let output: Activations

  /// Makes room for tiles of some rows.
  init(_ kernels: Kernels, _ inputs: Activations, _ rows: Int) {
    product = TileProduct(kernels, tokens: inputs.rows)
    other = [Float](repeating: 0, count: TileProduct.rows * Kernels.group)
    output = Activations(
      rows: inputs.rows, columns: rows, precision: kernels.precision, isZeroed: true)
  }

  /// The sums of squares of the products of W - W', and of W.
  mutating func errors(
    _ rows: Range<Int>, _ reference: WeightMatrix, _ candidate: WeightMatrix,
    _ inputs: Activations, _ products: Activations?
  ) -> (difference: Double, size: Double) {
    let size =
      unsafe products?.squares(columns: rows)
      ?? squares(rows, inputs) { part, columns, values in
        unsafe reference.decode(
          part, columns: columns, of: ours, stride: Kernels.group, into: values)
      }
    var other = other
    let difference = unsafe squares(rows, inputs) { part, columns, values in
      unsafe reference.decode(part, columns: columns, of: ours, stride: Kernels.group, into: values)
      unsafe other.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        unsafe candidate.decode(
          part, columns: columns, of: theirs, stride: Kernels.group, into: base)
        for row in 0..<part.count {
          for index in row * Kernels.group..<row * Kernels.group + columns.count {
            unsafe values[index] -= base[index]
          }
        }
      }
    }
    return (difference, size)
  }

  private func squares(
    _ rows: Range<Int>, _ inputs: Activations,
    _ decode: (Range<Int>, Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) -> Double {
    unsafe product.run(
      rows: rows.count, inputs, into: output.address(panel: 0), stride: output.panelStride
    ) { part, columns, values in
      unsafe decode(
        rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound, columns, values)
    }
    return output.squares(columns: 0..<rows.count)
  }
}

/// Pairs of sums that several threads write to.
final class SharedSums: Sendable {
  let count: Int
  private let sums: Mutex<[(difference: Double, size: Double)]>

  init(count: Int) {
    self.count = count
    sums = Mutex(Array(repeating: (0, 0), count: count))
  }

  func set(_ index: Int, _ pair: (difference: Double, size: Double)) {
    sums.withLock { $0[index] = pair }
  }

  /// Both added up, in order.
  var total: (difference: Double, size: Double) {
    sums.withLock { $0.reduce((0, 0)) { ($0.0 + $1.difference, $0.1 + $1.size) } }
  }
}
