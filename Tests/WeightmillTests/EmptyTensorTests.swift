import Foundation
import Testing
import WeightmillGGUF
import WeightmillTensors
import WeightmillTestSupport

/// Tensors without values whose other extents are enormous: a file of a few bytes may hold them.
struct EmptyTensorTests {
  /// Outermost first: rows of a length that none has, and rows of no length without end.
  static let shapes: [[Int]] = [
    [0, 1 << 59], [1 << 59, 0], [0, 1 << 31, 1 << 28], [1 << 28, 0, 1 << 31],
    [1 << 31, 1 << 28, 0],
  ]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs a command that must not trap, hang or fail for want of memory.
  @discardableResult
  private func run(_ arguments: [String], expecting code: Int32 = 0) throws -> String {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(arguments): \(result.error)")
    return result.output
  }

  private func tensors(_ shape: [Int], _ type: TensorType) throws -> [TensorDescriptor] {
    try ["a", "b"].map {
      TensorDescriptor(name: $0, type: type, shape: try #require(TensorShape(shape)))
    }
  }

  @Test(arguments: shapes, [TensorType.f16, .f32, .f64, .q4_0])
  func aFileOfThemIsReadSplitAndJoined(shape: [Int], type: TensorType) throws {
    let tensors = try tensors(shape, type)
    let layout = try GGUFLayout(metadata: GGUFMetadata(), tensors: tensors, path: "x")
    let file = try folder.write(layout.header, to: "x.gguf")
    try run(["inspect", file])
    try run(["hash", file])
    try run(["compare", file, file])
    try run(["split", file, folder("part"), "--max-tensors", "1"])
    try run(["join", folder("part-00001-of-00002.gguf"), folder("joined.gguf")])
    #expect(try GGUFFile(path: folder("joined.gguf")).tensors == tensors)
  }

  @Test(arguments: shapes)
  func aSafetensorsFileOfThemIsRead(shape: [Int]) throws {
    let json = #"{"a":{"dtype":"F64","shape":\#(shape),"data_offsets":[0,0]}}"#
    var bytes = Bytes()
    bytes.put(UInt64(json.utf8.count))
    bytes.put(json)
    let file = try folder.write(bytes.all, to: "x.safetensors")
    try run(["inspect", file])
    try run(["hash", file])
    try run(["compare", file, file])
    // It is no model.
    try run(["convert", file, "--output", folder("x.gguf")], expecting: 69)
  }

  @Test(arguments: shapes)
  func aPyTorchFileOfThemIsRead(shape: [Int]) throws {
    let strides = shape.map { _ in 1 << 40 }
    let pickle = PickleBuilder.single(count: 1, size: shape, stride: strides)
    let builder = TorchFileBuilder(pickle: pickle, storages: [("0", [0, 0, 0, 0])])
    let file = try folder.write(builder.bytes, to: "x.bin")
    try run(["inspect", file])
    try run(["hash", file])
    try run(["compare", file, file])
  }

  /// A model to which they were added is a model with tensors that nobody knows; one in which they
  /// stand for weights is none.
  @Test(arguments: [[0, 1 << 59], [1 << 59, 0]])
  func aModelWithThemIsReadOrRefused(shape: [Int]) throws {
    let base = folder("f16.gguf")
    try run(["convert", "fixtures/mini-ziya/base-meta", "--output", base, "--type", "f16"])
    let empty = TensorDescriptor(name: "a", type: .f16, shape: try #require(TensorShape(shape)))
    var model = try RewrittenGGUF(base)
    var tensor = model.tensors[0]
    tensor.bytes = []
    tensor.descriptor = TensorDescriptor(
      name: tensor.descriptor.name, type: .f16, shape: empty.shape)
    model.tensors[0] = tensor
    let replaced = try model.write(to: folder, "replaced.gguf")
    model = try RewrittenGGUF(base)
    tensor.descriptor = empty
    model.tensors.append(tensor)
    let added = try model.write(to: folder, "added.gguf")
    let text = "fixtures/mini-ziya/expected/eval-en.txt"
    for (number, file) in [added, replaced].enumerated() {
      let commands = [
        ["quantize", file, folder("q\(number).gguf"), "q8_0"],
        ["verify-logits", file, "--reference", base, "--text", text, "--max-tokens", "64"],
        ["imatrix", file, "--text", text, "--chunks", "1", "--output", folder("i\(number).gguf")],
        ["hash", "--as-checkpoint", file],
        ["quantize", base, folder("r\(number).gguf"), "q4_0", "--imatrix", file],
      ]
      for command in commands {
        let result = try CommandLineTool.run(command)
        // 70 would be a defect of Weightmill.
        #expect((0...78).contains(result.code) && result.code != 70, "\(command): \(result.error)")
      }
    }
  }
}
