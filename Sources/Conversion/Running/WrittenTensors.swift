import WeightmillOutput
package import WeightmillQuantization
package import WeightmillTensors

/// What is known of a tensor when its turn comes.
package enum TensorGuide: Sendable {
  /// What its columns' inputs are like.
  case inputs(EncodingGuide)
  /// All of its rows, as they are to be stored.
  case rows([UInt8])
}

/// The tensors that a run has written by now, to be read again.
package struct WrittenTensors: Sendable {
  private let items: [ConversionPlan.Item]
  private var places: [Int: (file: WritableFile, position: Int)] = [:]

  init(_ items: [ConversionPlan.Item]) { self.items = items }

  mutating func add(_ item: Int, in file: WritableFile, at position: Int) {
    places[item] = (file, position)
  }

  /// Whether a tensor is written.
  ///
  /// - Parameter item: The index of the plan's item.
  /// - Returns: Whether its bytes can be read.
  package func contains(_ item: Int) -> Bool { places[item] != nil }

  /// Reads rows of a tensor that is written.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - item: The index of the plan's item.
  /// - Returns: Their bytes.
  /// - Throws: The errors of reading the file.
  package func bytes(rows: Range<Int>, ofItem item: Int) throws(WeightmillError) -> [UInt8] {
    guard let (file, position) = places[item] else {
      throw WeightmillError(
        .internal, items[item].tensor.name, "was read before it was written")
    }
    let size = items[item].tensor.bytesPerRow
    return try file.bytes(at: position + rows.lowerBound * size, count: rows.count * size)
  }
}
