import Weightmill

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Shows what is in a checkpoint: each tensor with its type, its size, and the range of its values.
@main
struct ShowTensors {
  static func main() {
    guard CommandLine.arguments.count == 2 else {
      print("usage: show-tensors MODEL")
      exit(64)
    }
    do throws(WeightmillError) {
      try show(CommandLine.arguments[1])
    } catch {
      print("show-tensors: \(error)")
      exit(error.code.exitCode)
    }
  }

  static func show(_ path: String) throws(WeightmillError) {
    let checkpoint = try Checkpoint(path: path)
    for note in checkpoint.notes { print("note: \(note)") }
    for (index, tensor) in checkpoint.catalogue.tensors.enumerated() {
      let range = try range(ofTensor: index, in: checkpoint.catalogue)
      let values = range.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "no finite values"
      print(
        "\(tensor.name) \(tensor.shape) \(tensor.type.name), \(tensor.byteCount) bytes: \(values)")
    }
    let catalogue = checkpoint.catalogue
    print(
      "\(checkpoint.layout.rawValue): \(catalogue.parameterCount) parameters, \(catalogue.byteCount) bytes"
    )
  }

  /// The least and the largest finite value of a tensor, whatever its type; `nil` without one.
  static func range(
    ofTensor index: Int, in catalogue: any Catalogue
  ) throws(WeightmillError) -> ClosedRange<Float>? {
    let tensor = catalogue.tensors[index]
    let decoder = try RowDecoder(tensor.type, location: catalogue.location)
    // Some rows at a time: no tensor has to fit into memory.
    let step = max(1, (1 << 18) / max(1, tensor.shape.columns))
    var range: ClosedRange<Float>?
    for first in stride(from: 0, to: tensor.shape.rows, by: step) {
      let rows = first..<min(first + step, tensor.shape.rows)
      var values = [Float](repeating: 0, count: rows.count * tensor.shape.columns)
      decoder.decode(try catalogue.bytes(rows: rows, ofTensor: index), into: &values)
      for value in values where value.isFinite {
        range = min(range?.lowerBound ?? value, value)...max(range?.upperBound ?? value, value)
      }
    }
    return range
  }
}
