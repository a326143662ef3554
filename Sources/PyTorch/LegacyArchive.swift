import WeightmillTensors

/// A checkpoint of PyTorch before 1.6: five pickles one after the other, then the storages.
///
/// The pickles are a magic number, the format's version, facts about the machine, the object, and
/// the keys of the storages in the order in which they follow. Rules LEG-01 to LEG-06 of
/// `formats/pytorch.md`.
struct LegacyArchive {
  /// The magic number as a literal, and the end of its pickle.
  private static let magic: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  /// The beginnings of the pickle of the magic number: its protocol, and a frame from 4 on.
  private static let beginnings: [[UInt8]] = [2, 3, 4, 5].map { version in
    [0x80, version] + (version < 4 ? [] : [0x95, UInt8(magic.count), 0, 0, 0, 0, 0, 0, 0]) + magic
  }
  private static let version = 1001
  /// The largest list of keys, in bytes. One of 10,000 storages takes about 200 kB.
  private static let maximumList = 1 << 20

  let outcome: PickleInterpreter.Outcome
  let storages: [String: StoredBytes]

  /// The length of the first pickle in bytes; `nil` when a file does not begin as such a file does.
  static func beginning(of head: [UInt8]) -> Int? {
    beginnings.first { head.starts(with: $0) }?.count
  }

  /// Returns `nil` when the file is of another kind.
  init?(_ file: borrowing InputFile) throws(WeightmillError) {
    let head = try file.bytes(at: 0, count: min(32, file.byteCount))
    guard var position = Self.beginning(of: head) else { return nil }
    let list = Self.maximumList
    try Self.checkVersion(Self.next(file, at: &position, limit: list), file.path)
    try Self.checkMachine(Self.next(file, at: &position, limit: list), file.path)
    outcome = try Self.next(file, at: &position, limit: PickleInterpreter.maximumBytes)
    let keys = try Self.keys(Self.next(file, at: &position, limit: list), file.path)
    try Self.check(keys, against: outcome.storages, path: file.path)
    storages = try Self.locate(keys, of: outcome.storages, in: file, from: position)
  }

  /// Runs the pickle at a position, and moves the position behind it.
  private static func next(
    _ file: borrowing InputFile, at position: inout Int, limit: Int
  ) throws(WeightmillError) -> PickleInterpreter.Outcome {
    // Most files have a small one; a window that is too small is made larger.
    let limit = min(file.byteCount - position, limit)
    var window = min(limit, 1 << 18)
    while true {
      let cursor = ByteCursor(
        try file.bytes(at: position, count: window), file: file.path, base: position)
      do throws(WeightmillError) {
        let outcome = try PickleInterpreter.run(cursor, dialect: .legacy)
        position += outcome.end
        return outcome
      } catch {
        guard error.code == .malformed, window < limit else { throw error }
        window = min(limit, window * 8)
      }
    }
  }

  private static func checkVersion(
    _ outcome: PickleInterpreter.Outcome, _ path: String
  ) throws(WeightmillError) {
    guard case .integer(let version) = outcome.arena[outcome.root], version == Self.version else {
      throw WeightmillError(
        .unsupported, path, "is of an unknown version of torch.save's format",
        remedy: "load and save it again with a newer PyTorch")
    }
  }

  /// Values are little endian in the file whatever the machine was; torch wrote no other files, and
  /// one that says otherwise is not read.
  private static func checkMachine(
    _ outcome: PickleInterpreter.Outcome, _ path: String
  ) throws(WeightmillError) {
    guard case .dictionary(let members) = outcome.arena[outcome.root] else {
      throw WeightmillError(.malformed, path, "does not say on what machine it was made")
    }
    for (key, value) in members {
      guard case .text("little_endian") = outcome.arena[key] else { continue }
      if case .bool(true) = outcome.arena[value] { continue }
      throw WeightmillError(
        .unsupported, path, "was made on a big-endian machine",
        remedy: "load and save it again with a newer PyTorch")
    }
  }

  private static func keys(
    _ outcome: PickleInterpreter.Outcome, _ path: String
  ) throws(WeightmillError) -> [String] {
    guard case .list(let members) = outcome.arena[outcome.root] else {
      throw WeightmillError(.malformed, path, "lacks the list of its storages")
    }
    var keys: [String] = []
    for member in members {
      guard case .text(let key) = outcome.arena[member] else {
        throw WeightmillError(.malformed, path, "has a storage whose key is not a text")
      }
      keys.append(key)
    }
    return keys
  }

  /// The list and the object must name the same storages (rule LEG-03): torch leaves one that is
  /// not listed uninitialised.
  private static func check(
    _ keys: [String], against storages: [String: PickleStorage], path: String
  ) throws(WeightmillError) {
    guard Set(keys.map { TensorName($0) }).count == keys.count else {
      throw WeightmillError(.refused, path, "lists a storage twice")
    }
    if let key = keys.first(where: { storages[$0] == nil }) {
      throw WeightmillError(
        .refused, path, "lists the storage \(quoted(key)), which no tensor uses")
    }
    let listed = Set(keys)
    if let missing = storages.keys.sorted().first(where: { !listed.contains($0) }) {
      throw WeightmillError(
        .refused, path, "uses the storage \(quoted(missing)), which is not listed",
        remedy: "the file is damaged or made to mislead")
    }
  }

  /// Finds each storage: a count of values, then the values (rules LEG-04 and LEG-05).
  private static func locate(
    _ keys: [String], of storages: [String: PickleStorage], in file: borrowing InputFile,
    from start: Int
  ) throws(WeightmillError) -> [String: StoredBytes] {
    var located: [String: StoredBytes] = [:]
    var position = start
    for key in keys {
      guard let storage = storages[key] else { continue }
      var cursor = ByteCursor(
        try file.bytes(at: position, count: 8), file: file.path, base: position)
      let count = try cursor.read(Int64.self)
      guard count == Int64(storage.byteCount / (storage.type?.bytesPerBlock ?? 1)) else {
        throw cursor.error(
          "the storage \(quoted(key)) has \(count) values, the pickle says another number",
          code: .refused)
      }
      position += 8
      guard storage.byteCount <= file.byteCount - position else {
        throw cursor.error(
          "ends within the storage \(quoted(key))",
          remedy: "the download may be incomplete: fetch the file again")
      }
      located[key] = StoredBytes(position: position, byteCount: storage.byteCount)
      position += storage.byteCount
    }
    guard position == file.byteCount else {
      throw WeightmillError(
        .malformed, file.path, "holds \(file.byteCount - position) bytes after the last storage",
        at: "byte \(position)", remedy: "fetch the file again")
    }
    return located
  }
}
