import CWeightmillKernels
import Synchronization
import WeightmillLLaMA
import WeightmillTensors

/// The update of a matrix by a LoRA adapter: scale · left · right, of low rank.
///
/// For the weights of a layer, left is B, [outputs, rank], and right is A, [rank, inputs]. For an
/// embedding, left is Aᵀ and right is Bᵀ.
///
/// Each element's sum is float32, begins at +0 and takes its products in ascending order of the
/// rank with one fused multiply-add each. The sum times the scale is rounded to float32, and so is
/// weight + that; then the result is rounded to the weights' type. An element's arithmetic is the
/// same whatever is computed beside it. Up to a rank of 192 these are the bits that torch computes
/// on a processor with fused multiply-add.
///
/// With DoRA each row of weights + update is brought to a length that the adapter holds. The row's own
/// length is the root of a binary64 sum of squares, rounded to float32; the quotient of both and its
/// product with the row are rounded to float32 each. PEFT's length differs from it by what torch's
/// float32 sum loses.
struct LowRankUpdate: Sendable {
  let left: LowRankFactor
  let right: LowRankFactor
  /// The tensor with the lengths of the merged rows, in the left factor's order: DoRA.
  var magnitude: Int?
  /// The factor of the product.
  let scale: Float
  /// Whether scale · left · right is rounded to the weights' type before it is added, as PEFT does
  /// for embeddings.
  let roundsFirst: Bool

  /// Adds the update to rows of weights.
  ///
  /// - Parameters:
  ///   - rows: Which rows of the matrix they are.
  ///   - permutation: The way of the update's rows into the order of the weights' rows, if it is
  ///     another.
  ///   - type: The weights' type.
  ///   - bytes: Where they are.
  ///   - offset: The first byte of them.
  ///   - decoded: The factors that were decoded lately.
  /// - Throws: Reading errors.
  func add(
    rows: Range<Int>, permutedBy permutation: RowPermutation?, of type: TensorType,
    to bytes: inout MutableRawSpan, at offset: Int, decoded: DecodedFactors
  ) throws(WeightmillError) {
    let (rank, columns) = (right.rows, right.columns)
    let panels = try decoded.values(right.index) { () throws(WeightmillError) in
      try right.panels()
    }
    let (all, start) = try leftValues(rows, permutation, decoded)
    let stride = panels.count / max(rank, 1)
    var sums = [Float](repeating: 0, count: rows.count * stride)
    precondition(start + rows.count * rank <= all.count && columns <= stride)
    unsafe all.withUnsafeBufferPointer { all in
      unsafe panels.withUnsafeBufferPointer { panels in
        unsafe sums.withUnsafeMutableBufferPointer { sums in
          guard let from = all.baseAddress else { return }
          unsafe weightmill_low_rank_sums(
            from + start, rows.count, panels.baseAddress, stride / LowRankFactor.panelWidth, rank,
            sums.baseAddress, Int32(WEIGHTMILL_BEST))
        }
      }
    }
    let lengths = try lengths(rows, permutation, decoded)
    add(&sums, lengths, stride: stride, count: rows.count, of: type, to: &bytes, at: offset)
  }

  /// The lengths that rows shall have; `nil` without DoRA.
  private func lengths(
    _ rows: Range<Int>, _ permutation: RowPermutation?, _ decoded: DecodedFactors
  ) throws(WeightmillError) -> [Float]? {
    guard let magnitude else { return nil }
    let all = try decoded.values(magnitude) { () throws(WeightmillError) in
      ScalarRows.values(
        try left.catalogue.bytes(rows: 0..<1, ofTensor: magnitude),
        as: left.catalogue.tensors[magnitude].type)
    }
    return rows.map { all[permutation?.source(of: $0) ?? $0] }
  }

  /// Values among which those of the left factor's rows are, and where these begin.
  private func leftValues(
    _ rows: Range<Int>, _ permutation: RowPermutation?, _ decoded: DecodedFactors
  ) throws(WeightmillError) -> (values: [Float], start: Int) {
    guard left.isTransposed else {
      return (try left.values(rows: rows, permutedBy: permutation), 0)
    }
    let all = try decoded.values(left.index) { () throws(WeightmillError) in try left.values() }
    let rank = right.rows
    guard let permutation else { return (all, rows.lowerBound * rank) }
    let some = rows.flatMap { row in
      let source = permutation.source(of: row)
      return all[source * rank..<(source + 1) * rank]
    }
    return (some, 0)
  }

  /// Adds sums, scaled, to rows of weights, and brings them to their lengths if they have any.
  private func add(
    _ sums: inout [Float], _ lengths: [Float]?, stride: Int, count: Int, of type: TensorType,
    to bytes: inout MutableRawSpan, at offset: Int
  ) {
    let columns = right.columns
    precondition(offset >= 0 && offset + count * columns * type.bytesPerBlock <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let to = target.baseAddress, let from = sums.baseAddress else { return }
        for row in 0..<count {
          let weights = unsafe to + offset + row * columns * type.bytesPerBlock
          let (sums, length) = unsafe (from + row * stride, lengths?[row])
          switch type {
          case .f16:
            unsafe change(
              weights, by: sums, columns, to: length, { Binary16.float($0) }, { Binary16.bits($0) })
          case .bf16:
            unsafe change(
              weights, by: sums, columns, to: length, { BFloat16.float($0) }, { BFloat16.bits($0) })
          default:
            unsafe change(
              weights, by: sums, columns, to: length, { Float(bitPattern: $0) }, { $0.bitPattern })
          }
        }
      }
    }
  }

  @inline(__always)
  private func change<Stored: FixedWidthInteger>(
    _ weights: UnsafeMutableRawPointer, by sums: UnsafeMutablePointer<Float>, _ count: Int,
    to length: Float?, _ value: (Stored) -> Float, _ bits: (Float) -> Stored
  ) {
    if let length {
      unsafe stretch(weights, by: sums, count, to: length, value, bits)
    } else {
      unsafe add(sums, to: weights, count, value, bits)
    }
  }

  @inline(__always)
  private func stretch<Stored: FixedWidthInteger>(
    _ weights: UnsafeMutableRawPointer, by sums: UnsafeMutablePointer<Float>, _ count: Int,
    to length: Float, _ value: (Stored) -> Float, _ bits: (Float) -> Stored
  ) {
    let (scale, size) = (scale, MemoryLayout<Stored>.size)
    for column in 0..<count {
      let stored = unsafe weights.loadUnaligned(fromByteOffset: column &* size, as: Stored.self)
      unsafe sums[column] = value(Stored(littleEndian: stored)) + sums[column] * scale
    }
    let factor = unsafe length / Self.length(UnsafeBufferPointer(start: sums, count: count))
    for column in 0..<count {
      unsafe weights.storeBytes(
        of: bits(factor * sums[column]).littleEndian, toByteOffset: column &* size, as: Stored.self)
    }
  }

  /// The root of the sum of squares, which are added in eight sums by column in turn, and these in order.
  private static func length(_ row: UnsafeBufferPointer<Float>) -> Float {
    var sums = SIMD8<Double>()
    let whole = row.count / 8 * 8
    for start in stride(from: 0, to: whole, by: 8) {
      for lane in 0..<8 {
        let value = unsafe Double(row[start + lane])
        sums[lane] += value * value
      }
    }
    for column in whole..<row.count {
      let value = unsafe Double(row[column])
      sums[column - whole] += value * value
    }
    return Float((0..<8).reduce(0.0) { $0 + sums[$1] }.squareRoot())
  }

  @inline(__always)
  private func add<Stored: FixedWidthInteger>(
    _ sums: UnsafePointer<Float>, to weights: UnsafeMutableRawPointer, _ count: Int,
    _ value: (Stored) -> Float, _ bits: (Float) -> Stored
  ) {
    let scale = scale
    // Two loops, so that each of them can be vectorised.
    if roundsFirst {
      for column in 0..<count {
        let rounded = unsafe value(bits(sums[column] * scale))
        unsafe add(rounded, to: weights, column, value, bits)
      }
    } else {
      for column in 0..<count {
        unsafe add(sums[column] * scale, to: weights, column, value, bits)
      }
    }
  }

  @inline(__always)
  private func add<Stored: FixedWidthInteger>(
    _ update: Float, to weights: UnsafeMutableRawPointer, _ column: Int,
    _ value: (Stored) -> Float, _ bits: (Float) -> Stored
  ) {
    let position = column &* MemoryLayout<Stored>.size
    let stored = unsafe weights.loadUnaligned(fromByteOffset: position, as: Stored.self)
    let sum = value(Stored(littleEndian: stored)) + update
    unsafe weights.storeBytes(of: bits(sum).littleEndian, toByteOffset: position, as: Stored.self)
  }
}

/// Factors that were decoded lately, for the tiles of the same tensor that come next.
///
/// What is kept does not change any result: a factor that was dropped is decoded again.
final class DecodedFactors: Sendable {
  /// About how many values are kept; the latest factor is, whatever its size.
  private static let budget = 1 << 24

  private let kept = Mutex<[(key: Int, values: [Float])]>([])

  /// The values of a factor.
  ///
  /// - Parameters:
  ///   - key: The factor's tensor.
  ///   - decode: Decodes it; two threads that need it at once may both do so.
  /// - Returns: The values.
  /// - Throws: What `decode` throws.
  func values(
    _ key: Int, _ decode: () throws(WeightmillError) -> [Float]
  ) throws(WeightmillError) -> [Float] {
    let found: [Float]? = kept.withLock { kept in
      guard let index = kept.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = kept.remove(at: index)
      kept.append(entry)
      return entry.values
    }
    if let found { return found }
    let values = try decode()
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      kept.append((key, values))
      while kept.count > 1, kept.reduce(0, { $0 + $1.values.count }) > Self.budget {
        kept.removeFirst()
      }
    }
    return values
  }
}
