import CWeightmillKernels

/// One thread's buffers for products with a tile of weights: 256 columns of it are decoded and packed,
/// stay in the second cache, and meet all tokens; then come the next 256.
struct TileProduct {
  /// The largest number of rows of a tile.
  static let rows = 192

  private let kernels: Kernels
  private let height: Int
  private let decoded: PanelStorage
  private let packed: PanelStorage

  /// Makes room.
  ///
  /// - Parameters:
  ///   - kernels: The arithmetic.
  ///   - tokens: How many tokens there will be.
  init(_ kernels: Kernels, tokens: Int) {
    self.kernels = kernels
    height = kernels.blockRows(forTokens: tokens)
    decoded = PanelStorage(
      byteCount: height * Kernels.group * MemoryLayout<Float>.size, isZeroed: true)
    let rows = (Self.rows + height - 1) / height * height
    packed = PanelStorage(
      byteCount: rows * Kernels.group * kernels.precision.size, isZeroed: true)
  }

  /// Multiplies rows of weights with vectors.
  ///
  /// - Parameters:
  ///   - rows: How many rows; at most `TileProduct.rows`.
  ///   - vectors: The vectors.
  ///   - output: Where the first row's products with the first panel go.
  ///   - stride: How many numbers a panel of the output has.
  ///   - decode: Decodes rows (numbers within the tile) and columns into rows of 256 values.
  func run(
    rows: Int, _ vectors: Activations, into output: UnsafeMutableRawPointer, stride: Int,
    decode: (Range<Int>, Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(rows <= Self.rows)
    let values = unsafe decoded.base.assumingMemoryBound(to: Float.self)
    let block = height * Kernels.group
    for first in Swift.stride(from: 0, to: vectors.columns, by: Kernels.group) {
      let columns = first..<min(first + Kernels.group, vectors.columns)
      for row in Swift.stride(from: 0, to: rows, by: height) {
        let part = row..<min(row + height, rows)
        unsafe decode(part, columns, values)
        unsafe weightmill_pack(
          kernels.mode, values, Kernels.group, part.count, columns.count, height,
          packed.base + row / height * block * kernels.precision.size)
      }
      unsafe multiply(rows: rows, columns, block: block, vectors, output, stride: stride)
    }
  }

  private func multiply(
    rows: Int, _ columns: Range<Int>, block: Int, _ vectors: Activations,
    _ output: UnsafeMutableRawPointer, stride: Int
  ) {
    let input = unsafe vectors.address(panel: 0, column: columns.lowerBound)
    let adds: Int32 = columns.lowerBound > 0 ? 1 : 0
    if vectors.rows > Kernels.fewTokens {
      unsafe weightmill_products(
        kernels.mode, packed.base, block, rows, columns.count, input, vectors.panelStride,
        vectors.panelCount, output, stride, adds)
      return
    }
    for row in Swift.stride(from: 0, to: rows, by: height) {
      unsafe weightmill_narrow_products(
        kernels.mode, packed.base + row * Kernels.group * kernels.precision.size,
        min(height, rows - row), columns.count, input, vectors.rows,
        output + row * Kernels.tokens * kernels.precision.size, adds)
    }
  }
}
