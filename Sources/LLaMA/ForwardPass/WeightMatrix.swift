import CWeightmillKernels
import WeightmillQuantization
package import WeightmillTensors

/// A matrix of weights that is read in tiles of rows, and decoded 256 columns at a time.
struct WeightMatrix: Sendable {
  let catalogue: any Catalogue
  let index: Int
  let rows: Int
  let columns: Int
  private let type: TensorType
  private let decoder: RowDecoder

  /// Finds a matrix.
  ///
  /// - Throws: `unsupported` for types that cannot be decoded.
  init(_ role: TensorRole, of model: LlamaModel) throws(WeightmillError) {
    guard let index = model[role] else {
      throw WeightmillError(.internal, model.catalogue.location, "lacks a tensor that was checked")
    }
    let tensor = model.catalogue.tensors[index]
    catalogue = model.catalogue
    self.index = index
    rows = tensor.shape.rows
    columns = tensor.shape.columns
    type = tensor.type
    decoder = try RowDecoder(tensor.type, location: model.catalogue.location)
  }

  /// Reads and decodes one row.
  func row(_ number: Int) throws(WeightmillError) -> [Float] {
    let bytes = try catalogue.bytes(rows: number..<number + 1, ofTensor: index)
    var values = [Float](repeating: 0, count: columns)
    decoder.decode(bytes, into: &values)
    return values
  }

  /// One thread's rows.
  struct Tile {
    fileprivate var bytes: [UInt8] = []
    fileprivate(set) var rows = 0..<0
  }

  /// Reads rows as they are stored.
  func read(_ rows: Range<Int>, into tile: inout Tile) throws(WeightmillError) {
    let count = rows.count * bytesPerRow
    if tile.bytes.count < count { tile.bytes = [UInt8](repeating: 0, count: count) }
    try tile.bytes.withMutableBytes { (span) throws(WeightmillError) in
      try catalogue.read(rows: rows, ofTensor: index, into: &span, at: 0)
    }
    tile.rows = rows
  }

  private var bytesPerRow: Int { bytes(columns) }

  private func bytes(_ values: Int) -> Int { values / type.valuesPerBlock * type.bytesPerBlock }

  /// Decodes some columns of some rows of a tile.
  ///
  /// - Parameters:
  ///   - rows: Rows of the matrix that are in the tile.
  ///   - columns: Begins and ends where blocks do.
  ///   - tile: The tile.
  ///   - stride: How many values after a row the next one begins.
  ///   - values: Room for the rows.
  func decode(
    _ rows: Range<Int>, columns: Range<Int>, of tile: Tile, stride: Int,
    into values: UnsafeMutablePointer<Float>
  ) {
    precondition(rows.lowerBound >= tile.rows.lowerBound && rows.upperBound <= tile.rows.upperBound)
    precondition(columns.lowerBound >= 0 && columns.upperBound <= self.columns)
    unsafe tile.bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      for (index, row) in rows.enumerated() {
        let start = (row - tile.rows.lowerBound) * bytesPerRow + bytes(columns.lowerBound)
        unsafe decoder.decode(
          base + start, count: columns.count, into: values + index * stride)
      }
    }
  }
}

extension LlamaModel {
  /// The values of a vector: what is added to products, factors, or gains as the model multiplies by
  /// them, whatever files of this kind hold less of each.
  ///
  /// - Parameter role: What the tensor is for; the model must have it.
  /// - Returns: The values.
  /// - Throws: Reading errors; `unsupported` for types that cannot be decoded.
  package func vector(_ role: TensorRole) throws(WeightmillError) -> [Float] {
    let values = try WeightMatrix(role, of: self).row(0)
    let offset = role.isNorm ? gainOffset : 0
    return offset == 0 ? values : values.map { $0 + offset }
  }
}
