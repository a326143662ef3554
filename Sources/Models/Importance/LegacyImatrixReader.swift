package import WeightmillQuantization
package import WeightmillTensors

/// Reads an importance matrix in the form that llama.cpp wrote before it had the GGUF form.
///
/// The file has no magic number: it is one if everything in it fits together.
package struct LegacyImatrixReader: ~Copyable {
  private static let maximumName = 64
  private static let maximumDataset = 1 << 16
  /// An entry with a name of one byte and one value.
  private static let smallestEntry = 17

  private let file: InputFile
  private var position = 0
  private var entries: [TensorName: ImportanceMatrix.Entry] = [:]
  private var room = ImatrixFile.maximumValues

  /// Reads a whole file.
  package static func read(_ file: consuming InputFile) throws(WeightmillError) -> ImportanceMatrix
  {
    var reader = LegacyImatrixReader(file)
    return try reader.read()
  }

  private init(_ file: consuming InputFile) { self.file = file }

  private var remaining: Int { file.byteCount - position }

  private mutating func read() throws(WeightmillError) -> ImportanceMatrix {
    let count = try integer()
    guard count > 0, count <= remaining / Self.smallestEntry else {
      throw WeightmillError(
        .malformed, file.path, "is no importance matrix, in neither of llama.cpp's formats",
        remedy: "give a file that `weightmill imatrix` or llama-imatrix wrote")
    }
    for _ in 0..<count { try readEntry() }
    var matrix = ImportanceMatrix(entries: entries)
    // The first versions ended here.
    guard remaining > 0 else { return matrix }
    matrix.chunkCount = try integer()
    guard matrix.chunkCount >= 0 else { throw error("was made from a negative number of chunks") }
    if remaining > 0 { matrix.datasets = try dataset() }
    guard remaining == 0 else { throw error("has \(remaining) bytes after its end") }
    return matrix
  }

  private mutating func readEntry() throws(WeightmillError) {
    let length = try integer()
    guard (1...Self.maximumName).contains(length) else {
      throw error(
        "has an entry whose name has \(length) bytes; 1 to \(Self.maximumName) are allowed")
    }
    guard let name = String(validating: try bytes(length), as: UTF8.self), !name.utf8.contains(0)
    else { throw error("has an entry whose name is not valid UTF-8") }
    let calls = try integer()
    guard calls >= 0 else { throw error("entry \(quoted(name)) is the sum of \(calls) chunks") }
    let count = try integer()
    guard count > 0, count <= remaining / 4 else {
      throw error(
        "entry \(quoted(name)) has \(count) values, of which \(remaining / 4) can be there")
    }
    guard count <= room else {
      throw WeightmillError(
        .unsupported, file.path, "holds more than \(ImatrixFile.maximumValues) values",
        at: "byte \(position)")
    }
    room -= count
    let start = position
    let sums = ImatrixValues.decode(try bytes(4 * count))
    try ImatrixValues.checkSums(sums, file: file.path, at: "entry \(quoted(name)), byte \(start)")
    // Means, if no chunk was counted.
    let entry = ImportanceMatrix.Entry(sums: sums, count: Float(max(calls, 1)))
    guard entries.updateValue(entry, forKey: TensorName(name)) == nil else {
      throw error("has two entries for \(quoted(name))")
    }
  }

  /// The path of the text: any bytes.
  private mutating func dataset() throws(WeightmillError) -> [String] {
    let length = try integer()
    guard (0...Self.maximumDataset).contains(length) else {
      throw error(
        "has a text's name of \(length) bytes; at most \(Self.maximumDataset) are allowed")
    }
    return length == 0 ? [] : [String(decoding: try bytes(length), as: UTF8.self)]
  }

  private func error(_ problem: String) -> WeightmillError {
    WeightmillError(
      .malformed, file.path, problem, at: "byte \(position)",
      remedy: "compute it anew with `weightmill imatrix`")
  }

  private mutating func bytes(_ count: Int) throws(WeightmillError) -> [UInt8] {
    let bytes = try file.bytes(at: position, count: count)
    position += count
    return bytes
  }

  private mutating func integer() throws(WeightmillError) -> Int {
    let word = try bytes(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return Int(Int32(bitPattern: word))
  }
}
