import WeightmillQuantization
import WeightmillTensors

/// The buffers of one thread, reused from tile to tile.
struct PairBuffers {
  fileprivate var bytes: (a: [UInt8], b: [UInt8]) = ([], [])
  fileprivate var floats: (a: [Float], b: [Float]) = ([], [])
}

/// A tensor of A, and that of the same name in B, if there is one.
struct TensorPair: Sendable {
  /// About how many values are decoded at once: a multiple of every block's.
  private static let stripValues = 1 << 14

  /// A's tensor.
  let tensor: TensorDescriptor
  /// B's tensor of the same name, if there is one.
  let other: TensorDescriptor?
  private let indices: (a: Int, b: Int)
  private let decoders: (a: RowDecoder, b: RowDecoder)?

  init(a index: Int, _ tensor: TensorDescriptor, b other: (Int, TensorDescriptor)?) {
    self.tensor = tensor
    self.other = other?.1
    indices = (index, other?.0 ?? 0)
    if let other, let a = try? RowDecoder(tensor.type, location: ""),
      let b = try? RowDecoder(other.1.type, location: "")
    {
      decoders = (a, b)
    } else {
      decoders = nil
    }
  }

  /// Whether both are there, of the same shape, and mean numbers that are known.
  var isDecoded: Bool { decoders != nil && other?.shape == tensor.shape }

  /// Whether anything of them is read: bytes at least can be compared.
  var isRead: Bool {
    guard let other, other.shape == tensor.shape else { return false }
    return isDecoded || other.type == tensor.type
  }

  /// The difference that the sums over all rows make.
  func difference(_ sums: DifferenceSums) -> TensorDifference {
    guard let other else { return TensorDifference(tensor.name, .onlyInA, a: tensor, b: nil) }
    guard isRead else {
      return TensorDifference(
        tensor.name, other.shape == tensor.shape ? .otherType : .otherShape, a: tensor, b: other)
    }
    return TensorDifference(tensor, other, sums, isDecoded: isDecoded)
  }

  /// Reads rows of both and adds up how they differ.
  func compare(
    _ rows: Range<Int>, of inputs: ComparedCheckpoints, with buffers: inout PairBuffers
  ) throws(WeightmillError) -> DifferenceSums {
    var sums = DifferenceSums()
    guard let other else { return sums }
    try Self.read(rows, inputs.a, indices.a, tensor, into: &buffers.bytes.a)
    try Self.read(rows, inputs.b, indices.b, other, into: &buffers.bytes.b)
    sums.sameBytes = tensor.type == other.type && buffers.bytes.a == buffers.bytes.b
    guard let decoders else { return sums }
    let count = rows.count * tensor.shape.columns
    let start = rows.lowerBound * tensor.shape.columns
    let isDouble = tensor.type == .f64 || other.type == .f64
    for first in stride(from: 0, to: count, by: Self.stripValues) {
      let strip = first..<min(first + Self.stripValues, count)
      if isDouble {
        // Binary32 would hide what binary64 tells apart.
        sums.add(
          Self.doubles(buffers.bytes.a, strip, decoders.a, &buffers.floats.a),
          Self.doubles(buffers.bytes.b, strip, decoders.b, &buffers.floats.b),
          at: start + first)
      } else {
        Self.decode(buffers.bytes.a, strip, decoders.a, &buffers.floats.a)
        Self.decode(buffers.bytes.b, strip, decoders.b, &buffers.floats.b)
        sums.add(buffers.floats.a, buffers.floats.b, at: start + first)
      }
    }
    return sums
  }

  private static func read(
    _ rows: Range<Int>, _ catalogue: any Catalogue, _ index: Int, _ tensor: TensorDescriptor,
    into bytes: inout [UInt8]
  ) throws(WeightmillError) {
    let size = rows.count * tensor.bytesPerRow
    if bytes.count != size { bytes = [UInt8](repeating: 0, count: size) }
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try catalogue.read(rows: rows, ofTensor: index, into: &span, at: 0)
    }
  }

  private static func decode(
    _ bytes: [UInt8], _ strip: Range<Int>, _ decoder: RowDecoder, _ values: inout [Float]
  ) {
    if values.count != strip.count { values = [Float](repeating: 0, count: strip.count) }
    let type = decoder.type
    decoder.decode(
      bytes, at: strip.lowerBound / type.valuesPerBlock * type.bytesPerBlock, into: &values)
  }

  private static func doubles(
    _ bytes: [UInt8], _ strip: Range<Int>, _ decoder: RowDecoder, _ values: inout [Float]
  ) -> [Double] {
    guard decoder.type == .f64 else {
      decode(bytes, strip, decoder, &values)
      return values.map(Double.init)
    }
    return strip.map { value in
      var bits: UInt64 = 0
      for byte in 0..<8 { bits |= UInt64(bytes[value * 8 + byte]) << (8 * UInt64(byte)) }
      return Double(bitPattern: bits)
    }
  }
}
