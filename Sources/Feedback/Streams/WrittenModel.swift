import WeightmillConversion
import WeightmillLLaMA
import WeightmillTensors

/// The model as far as it is written: tensors of the output where they are there, the input's elsewhere.
struct WrittenModel: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let source: any Catalogue
  /// For each tensor of the source its item, if that is written.
  private let items: [Int?]
  private let written: WrittenTensors

  /// Puts a model together.
  ///
  /// - Parameters:
  ///   - plan: What is written of which tensor.
  ///   - written: What is written by now.
  init(_ plan: ConversionPlan, _ written: WrittenTensors) {
    source = plan.source
    location = plan.source.location
    self.written = written
    var tensors = plan.source.tensors
    var items = [Int?](repeating: nil, count: tensors.count)
    for (index, item) in plan.items.enumerated() where written.contains(index) {
      tensors[item.index] = item.tensor
      items[item.index] = index
    }
    self.tensors = tensors
    self.items = items
  }

  func readingOrdinal(ofTensor index: Int) -> Int { source.readingOrdinal(ofTensor: index) }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard let item = items[index] else {
      return try source.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    guard !rows.isEmpty else { return }
    let stored = try written.bytes(rows: rows, ofItem: item)
    bytes.copy(stored, from: 0, count: stored.count, to: offset)
  }
}
