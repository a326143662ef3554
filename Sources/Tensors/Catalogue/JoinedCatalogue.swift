/// Tensors that were cut into parts, joined again: Meta's model-parallel files.
///
/// Part *k* of a tensor cut by rows holds the *k*-th range of rows; of one cut by columns, the
/// *k*-th range of every row. Rows are joined on the fly, without a temporary.
package struct JoinedCatalogue: Catalogue {
  /// The way in which a tensor was cut.
  package enum Join: Sendable {
    /// Each part holds some of the rows.
    case rows
    /// Each part holds some of the columns of every row.
    case columns
    /// Each part holds the whole tensor; the first part's is taken.
    case replicated
  }

  /// The folder of the parts.
  package let location: String
  /// The whole tensors, in the first part's order.
  package let tensors: [TensorDescriptor]
  private let parts: [any Catalogue]
  private let pieces: [Pieces]

  private struct Pieces: Sendable {
    let join: Join
    /// The tensor's index in each part.
    let indices: [Int]
  }

  /// Joins parts.
  ///
  /// - Parameters:
  ///   - parts: The parts in order, all with the same tensor names; at least one.
  ///   - location: The folder they lie in, for messages.
  ///   - join: How the tensor of this name was cut.
  /// - Throws: When a part lacks a tensor, has one the others lack, or the pieces do not fit.
  package init(
    _ parts: [any Catalogue], location: String, join: (TensorDescriptor) -> Join
  ) throws(WeightmillError) {
    self.location = location
    self.parts = parts
    var tensors: [TensorDescriptor] = []
    var pieces: [Pieces] = []
    var indexes: [TensorIndex] = []
    for part in parts { indexes.append(try TensorIndex(part)) }
    for (part, index) in zip(parts.dropFirst(), indexes.dropFirst()) {
      for tensor in part.tensors where indexes[0][tensor.name] == nil {
        throw WeightmillError(
          .mismatch, part.location,
          "tensor \(quoted(tensor.name)) is not in \(parts[0].location)",
          remedy: "the parts must come from the same checkpoint")
      }
      for tensor in parts[0].tensors where index[tensor.name] == nil {
        throw WeightmillError(
          .mismatch, part.location,
          "tensor \(quoted(tensor.name)) of \(parts[0].location) is missing",
          remedy: "the parts must come from the same checkpoint")
      }
    }
    for tensor in parts.first?.tensors ?? [] {
      let indices = indexes.compactMap { $0[tensor.name] }
      let kind = parts.count == 1 ? .replicated : join(tensor)
      let members = zip(parts, indices).map { $0.tensors[$1] }
      tensors.append(try Self.joined(members, by: kind, parts: parts))
      pieces.append(Pieces(join: kind, indices: indices))
    }
    self.tensors = tensors
    self.pieces = pieces
  }

  private static func joined(
    _ members: [TensorDescriptor], by join: Join, parts: [any Catalogue]
  ) throws(WeightmillError) -> TensorDescriptor {
    let first = members[0]
    for (member, part) in zip(members, parts) {
      let fits =
        member.type == first.type && member.shape.extents.count == first.shape.extents.count
        && (join == .rows || member.shape.rows == first.shape.rows)
        && (join == .columns || member.shape.columns == first.shape.columns)
      guard fits else {
        throw WeightmillError(
          .mismatch, part.location,
          "tensor \(quoted(member.name)) is \(member.type.name) \(member.shape), "
            + "but \(first.type.name) \(first.shape) in the first part",
          remedy: "the parts must come from the same checkpoint")
      }
    }
    if join == .replicated { return first }
    guard first.shape.extents.count == 2 else {
      throw WeightmillError(
        .mismatch, parts[0].location,
        "tensor \(quoted(first.name)) is cut in parts, but is no matrix: \(first.shape)")
    }
    let axis = join == .rows ? 0 : 1
    var extents = first.shape.extents
    extents[axis] = 0
    for member in members {
      let (sum, overflow) = extents[axis].addingReportingOverflow(member.shape.extents[axis])
      extents[axis] = overflow ? -1 : sum
      if overflow { break }
    }
    guard let shape = TensorShape(extents) else {
      throw WeightmillError(
        .malformed, parts[0].location, "tensor \(quoted(first.name)) is too large when joined")
    }
    return TensorDescriptor(name: first.name, type: first.type, shape: shape)
  }

  /// Reads rows from the parts that hold them, or from each its columns.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let pieces = pieces[index]
    switch pieces.join {
    case .replicated:
      try parts[0].read(rows: rows, ofTensor: pieces.indices[0], into: &bytes, at: offset)
    case .rows:
      try readStacked(rows, pieces.indices, into: &bytes, at: offset)
    case .columns:
      try readSideBySide(
        rows, pieces.indices, bytesPerRow: tensors[index].bytesPerRow, into: &bytes, at: offset)
    }
  }

  private func readStacked(
    _ rows: Range<Int>, _ indices: [Int], into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    var first = 0
    var position = offset
    for (part, index) in zip(parts, indices) {
      let tensor = part.tensors[index]
      let wanted = rows.clamped(to: first..<first + tensor.shape.rows)
      if !wanted.isEmpty {
        let local = wanted.lowerBound - first..<wanted.upperBound - first
        try part.read(rows: local, ofTensor: index, into: &bytes, at: position)
        position += wanted.count * tensor.bytesPerRow
      }
      first += tensor.shape.rows
    }
  }

  /// Interleaves row segments: one read of all rows from each part, then one copy per segment.
  private func readSideBySide(
    _ rows: Range<Int>, _ indices: [Int], bytesPerRow: Int, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    guard bytesPerRow > 0 else { return }
    var column = 0
    for (part, index) in zip(parts, indices) {
      let width = part.tensors[index].bytesPerRow
      let segment = try part.bytes(rows: rows, ofTensor: index)
      for row in 0..<rows.count {
        bytes.copy(
          segment, from: row * width, count: width,
          to: offset + row * bytesPerRow + column)
      }
      column += width
    }
  }
}

/// The tensors of several catalogues, one after the other: the shards of a checkpoint.
package struct CombinedCatalogue: Catalogue {
  /// The folder of the shards.
  package let location: String
  /// The tensors of all shards, in their order.
  package let tensors: [TensorDescriptor]
  private let parts: [any Catalogue]
  private let sources: [(part: Int, index: Int)]

  /// Combines catalogues.
  ///
  /// - Parameters:
  ///   - parts: The catalogues.
  ///   - location: The folder they lie in, for messages.
  package init(_ parts: [any Catalogue], location: String) {
    self.location = location
    self.parts = parts
    self.tensors = parts.flatMap(\.tensors)
    self.sources = parts.indices.flatMap { part in
      parts[part].tensors.indices.map { (part, $0) }
    }
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    let source = sources[index]
    let before = parts[..<source.part].reduce(0) { $0 + $1.tensors.count }
    return before + parts[source.part].readingOrdinal(ofTensor: source.index)
  }

  /// Reads rows from the shard that holds the tensor.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    try parts[source.part].read(rows: rows, ofTensor: source.index, into: &bytes, at: offset)
  }
}
