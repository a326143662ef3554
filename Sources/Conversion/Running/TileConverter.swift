import WeightmillQuantization
import WeightmillTensors

/// The buffers of one thread, reused from tile to tile.
struct TileBuffers {
  var input: [UInt8] = []
  /// A strip of the tile.
  var values: [Float] = []
  /// The encoded tile, at its beginning.
  var output: [UInt8] = []

  /// Makes room for a tile; a buffer is made anew only when tiles of another size come.
  mutating func reserve(input: Int, output: Int) {
    if self.input.count != input { self.input = [UInt8](repeating: 0, count: input) }
    if self.output.count < output { self.output = [UInt8](repeating: 0, count: output) }
  }

  /// Makes room for so many values.
  mutating func reserveValues(_ count: Int) {
    guard values.count != count else { return }
    if values.count > count {
      values.removeLast(values.count - count)
    } else {
      values.append(contentsOf: repeatElement(0, count: count - values.count))
    }
  }
}

/// Counts of values that are not what they were.
struct ValueFaults: Equatable {
  /// The number of values that were infinite or not numbers before they were converted.
  var nonFinite = 0
  /// The number of values that became infinite, since they are too large for the type.
  var overflowed = 0
  /// The values of which little is left because another of their block is far larger.
  var drowned = DrownedValues()
  /// The rows whose values are multiples of steps: no fault.
  var grids = GridRows()

  mutating func add(_ other: ValueFaults) {
    nonFinite += other.nonFinite
    overflowed += other.overflowed
    drowned.add(other.drowned)
    grids.add(other.grids)
  }
}

/// Reads rows of one tensor and turns them into the type they shall have.
struct TileConverter {
  private let target: TensorDescriptor
  private let source: TensorDescriptor
  private let index: Int
  private let location: String
  /// `nil` when rows are copied as they are.
  private let coders: (decoder: RowDecoder, encoder: RowEncoder)?
  /// Decodes what is copied where its values cannot be looked at otherwise: blocks.
  private let inspector: RowDecoder?
  /// Whether a value that becomes infinite is an error.
  private let refusesOverflow: Bool
  /// The tensor as it is to be stored, if somebody else has encoded it.
  private var prepared: [UInt8]?

  init(
    _ item: ConversionPlan.Item, from catalogue: any Catalogue, method: EncodingMethod,
    guide: EncodingGuide? = nil, refusingOverflow refusesOverflow: Bool = false, path: String
  ) throws(WeightmillError) {
    target = item.tensor
    self.refusesOverflow = refusesOverflow
    source = catalogue.tensors[item.index]
    index = item.index
    location = catalogue.location
    inspector =
      FloatScan.types.contains(source.type)
      ? nil : try? RowDecoder(source.type, location: location)
    coders =
      source.type == target.type
      ? nil
      : (
        try RowDecoder(source.type, location: catalogue.location),
        try RowEncoder(
          target.type, method: method,
          guide: guide ?? item.importance.map(EncodingGuide.importance) ?? .none,
          columns: target.shape.columns, location: path)
      )
  }

  /// The same converter, which writes rows that somebody else has encoded.
  func writing(_ rows: [UInt8]) -> TileConverter {
    precondition(rows.count == target.byteCount)
    var converter = self
    converter.prepared = rows
    return converter
  }

  /// Leaves the converted rows in `buffers.output`.
  ///
  /// - Returns: How many values are not finite, or were lost.
  /// - Throws: `malformed` when a value is not finite and the type has no way to say so.
  func convert(
    _ rows: Range<Int>, of catalogue: any Catalogue, with buffers: inout TileBuffers
  ) throws(WeightmillError) -> ValueFaults {
    let count = rows.count * target.shape.columns
    let size = rows.count * target.bytesPerRow
    if let prepared {
      let first = rows.lowerBound * target.bytesPerRow
      buffers.reserve(input: 0, output: size)
      buffers.output.replaceSubrange(0..<size, with: prepared[first..<first + size])
      return ValueFaults()
    }
    guard let coders else {
      buffers.reserve(input: 0, output: size)
      try buffers.output.withMutableBytes { (span) throws(WeightmillError) in
        try catalogue.read(rows: rows, ofTensor: index, into: &span, at: 0)
      }
      guard let inspector else {
        return ValueFaults(
          nonFinite: FloatScan.nonFinite(buffers.output, count: count, type: target.type))
      }
      buffers.reserveValues(count)
      inspector.decode(buffers.output, into: &buffers.values)
      return ValueFaults(nonFinite: FloatScan.nonFinite(buffers.values))
    }
    buffers.reserve(input: rows.count * source.bytesPerRow, output: size)
    try buffers.input.withMutableBytes { (span) throws(WeightmillError) in
      try catalogue.read(rows: rows, ofTensor: index, into: &span, at: 0)
    }
    return try encode(rows, coders.decoder, coders.encoder, with: &buffers)
  }

  /// Decodes the tile in `buffers.input` and encodes it to `buffers.output`, strip by strip.
  private func encode(
    _ rows: Range<Int>, _ decoder: RowDecoder, _ encoder: RowEncoder,
    with buffers: inout TileBuffers
  ) throws(WeightmillError) -> ValueFaults {
    let columns = target.shape.columns
    let height = encoder.rowsAtOnce
    var (faults, before) = (EncodingFaults(), 0)
    for first in stride(from: 0, to: rows.count, by: height) {
      let count = min(height, rows.count - first) * columns
      buffers.reserveValues(count)
      decoder.decode(buffers.input, at: first * source.bytesPerRow, into: &buffers.values)
      try checkFinite(buffers.values, firstRow: rows.lowerBound + first)
      if target.type.isScalar, !FloatScan.types.contains(source.type) {
        before += FloatScan.nonFinite(buffers.values)
      }
      faults.add(
        encoder.encode(
          buffers.values, into: &buffers.output, at: first * target.bytesPerRow))
    }
    guard faults.overflowed == 0 else {
      throw WeightmillError(
        .unsupported, location,
        "tensor \(quoted(target.name)) holds values too large for \(target.type.name)",
        at: "rows \(rows.lowerBound) to \(rows.upperBound - 1)",
        remedy: "convert to f32 or bf16, or find out why the weights are so large")
    }
    // A value that is not finite stays so.
    let count = rows.count * columns
    let written = FloatScan.nonFinite(buffers.output, count: count, type: target.type)
    guard written > 0 else { return ValueFaults(drowned: faults.drowned, grids: faults.grids) }
    if FloatScan.types.contains(source.type) {
      before = FloatScan.nonFinite(buffers.input, count: count, type: source.type)
    }
    guard written <= before || !refusesOverflow else {
      throw WeightmillError(
        .unsupported, location,
        "tensor \(quoted(target.name)) holds values too large for \(target.type.name)",
        at: "rows \(rows.lowerBound) to \(rows.upperBound - 1)",
        remedy: "give --type bf16, or --type f32")
    }
    return ValueFaults(
      nonFinite: before, overflowed: written - before, drowned: faults.drowned, grids: faults.grids)
  }

  /// Refuses values that blocks cannot store.
  private func checkFinite(_ values: [Float], firstRow: Int) throws(WeightmillError) {
    guard !target.type.isScalar, let index = FloatScan.firstNonFinite(values) else { return }
    throw WeightmillError(
      .malformed, location,
      "tensor \(quoted(target.name)) holds \(values[index]), "
        + "which \(target.type.name) cannot store",
      at: "row \(firstRow + index / target.shape.columns), "
        + "column \(index % target.shape.columns)",
      remedy: "the weights are damaged, or were merged with the wrong base")
  }
}
