import Testing
import WeightmillSafetensors
import WeightmillTensors
import WeightmillTestSupport

/// What is laid out is what the reader takes, and what mapping readers need.
struct SafetensorsLayoutTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func tensor(_ name: String, _ type: TensorType, _ extents: [Int]) throws
    -> TensorDescriptor
  {
    TensorDescriptor(name: name, type: type, shape: try #require(TensorShape(extents)))
  }

  /// Lays out tensors whose bytes are their index in the list, plus one.
  private func write(_ tensors: [TensorDescriptor]) throws -> (SafetensorsLayout, SafetensorsFile) {
    let layout = try SafetensorsLayout(
      tensors: tensors, metadata: [("format", "pt")], path: "x.safetensors")
    var bytes = layout.header + [UInt8](repeating: 0, count: layout.byteCount - layout.header.count)
    for (index, tensor) in tensors.enumerated() {
      for offset in 0..<tensor.byteCount {
        bytes[layout.positions[index] + offset] = UInt8(index + 1)
      }
    }
    return (layout, try SafetensorsFile(path: folder.write(bytes, to: "x.safetensors")))
  }

  /// Sums of sizes beyond the largest integer, and beyond the largest file that is read.
  @Test(arguments: [1 << 59, 1 << 44])
  func filesThatCouldNotBeReadAreNotLaidOut(columns: Int) throws {
    let tensors = try ["x", "y", "z"].map { try tensor($0, .f64, [columns]) }
    expectError(.unsupported) {
      _ = try SafetensorsLayout(tensors: tensors, metadata: [], path: "x.safetensors")
    }
  }

  @Test func theReaderFindsEveryTensorWhereTheLayoutPutIt() throws {
    let tensors = [
      try tensor("b", .f16, [2, 3]), try tensor("a", .f16, [5]), try tensor("", .bf16, []),
      try tensor(#"quote " \ and 汉字"#, .f16, [0, 4]),
    ]
    let (_, file) = try write(tensors)
    #expect(file.metadata.map(\.name) == ["format"])
    #expect(file.metadata.map(\.value) == ["pt"])
    #expect(Set(file.tensors) == Set(tensors))
    for (index, tensor) in file.tensors.enumerated() {
      let laidOut = try #require(tensors.firstIndex(of: tensor))
      let bytes = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
      #expect(bytes.allSatisfy { $0 == UInt8(laidOut + 1) })
    }
  }

  @Test func tensorsOfOneTypeKeepTheirOrder() throws {
    let names = ["model.norm.weight", "lm_head.weight", "a"]
    let (_, file) = try write(try names.map { try tensor($0, .f16, [3]) })
    #expect(file.tensors.map(\.name) == names)
  }

  @Test(arguments: 0..<16)
  func everyValueLiesAtAMultipleOfItsSize(padding: Int) throws {
    let (layout, file) = try write([
      try tensor(String(repeating: "n", count: padding), .u8, [3]), try tensor("half", .f16, [1]),
      try tensor("double", .f64, [1]), try tensor("single", .f32, [1]),
    ])
    #expect(layout.header.count % 8 == 0)
    #expect(zip(layout.positions, [1, 2, 8, 4]).allSatisfy { $0 % $1 == 0 })
    #expect(file.tensors.map(\.type) == [.f64, .f32, .f16, .u8])
  }

  @Test func aFileWithoutTensorsIsOne() throws {
    let (layout, file) = try write([])
    #expect(layout.byteCount == layout.header.count)
    #expect(file.tensors.isEmpty)
  }

  @Test func blocksHaveNoPlaceInTheFormat() throws {
    let blocks = try tensor("x", .q8_0, [32])
    expectError(.unsupported) {
      _ = try SafetensorsLayout(tensors: [blocks], metadata: [], path: "x")
    }
  }
}
