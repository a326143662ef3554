import CWeightmillZlib
import WeightmillTensors

/// The zip file of a checkpoint: its one folder, the pickle, and the storages under `data/`.
struct TorchArchive {
  let pickle: ZipArchive.Entry
  let isBigEndian: Bool
  private let archive: ZipArchive
  private let folder: String

  init(_ file: borrowing InputFile) throws(WeightmillError) {
    archive = try ZipArchive(file)
    func fault(_ problem: String, _ code: WeightmillError.Code = .malformed) -> WeightmillError {
      WeightmillError(code, file.path, problem)
    }
    guard let first = archive.entries.first?.name, let slash = first.firstIndex(of: "/") else {
      throw fault("is a zip file, but not one that torch.save wrote")
    }
    let prefix = String(first[...slash])
    try Self.refusePrograms(archive, prefix: prefix, path: file.path)
    guard archive.entries.allSatisfy({ $0.name.hasPrefix(prefix) }) else {
      throw fault("has zip entries outside of its folder \(quoted(prefix))", .refused)
    }
    guard let pickle = archive[prefix + "data.pkl"], let version = archive[prefix + "version"]
    else {
      throw fault("is a zip file, but not one that torch.save wrote")
    }
    let digits = try Self.read(version, limit: 16, from: file).filter { $0 != 0x0A }
    guard let number = Int(String(decoding: digits, as: UTF8.self)), (1...10).contains(number)
    else { throw fault("is of an unknown version of torch.save's format", .unsupported) }
    guard pickle.size <= PickleInterpreter.maximumBytes else {
      throw fault("has a pickle of \(pickle.size) bytes, more than any checkpoint", .refused)
    }
    self.pickle = pickle
    folder = prefix
    isBigEndian = try Self.isBigEndian(archive[prefix + "byteorder"], file: file)
  }

  /// Archives that are made to be run (rule ZIP-14).
  private static func refusePrograms(
    _ archive: ZipArchive, prefix: String, path: String
  ) throws(WeightmillError) {
    for entry in archive.entries {
      let name = entry.name.dropFirst(prefix.count)
      if name == "constants.pkl" || name.hasPrefix("code/") {
        throw WeightmillError(
          .refused, path, "is a TorchScript program, not a checkpoint",
          remedy: "save the state_dict with torch.save")
      }
      if entry.name.hasPrefix("MAR-INF/") || name.hasPrefix("MAR-INF/") {
        throw WeightmillError(
          .refused, path, "is a TorchServe archive, not a checkpoint",
          remedy: "save the state_dict with torch.save")
      }
    }
  }

  private static func isBigEndian(
    _ entry: ZipArchive.Entry?, file: borrowing InputFile
  ) throws(WeightmillError) -> Bool {
    guard let entry else { return false }
    switch try String(decoding: read(entry, limit: 16, from: file), as: UTF8.self) {
    case "little": return false
    case "big": return true
    default: throw WeightmillError(.malformed, file.path, "names an unknown byte order")
    }
  }

  /// Runs the pickle.
  func runPickle(_ file: borrowing InputFile) throws(WeightmillError) -> PickleInterpreter.Outcome {
    let program = ByteCursor(
      try Self.read(pickle, limit: PickleInterpreter.maximumBytes, from: file),
      file: "\(file.path), \(pickle.name)")
    return try PickleInterpreter.run(program, dialect: .zip)
  }

  /// The entries that hold the storages, checked to be of the size the pickle says (rule TEN-01).
  func storages(
    _ storages: [String: PickleStorage], path: String
  ) throws(WeightmillError) -> [String: StoredBytes] {
    var located: [String: StoredBytes] = [:]
    for storage in storages.values.sorted(by: { $0.key < $1.key }) {
      guard let entry = archive[folder + "data/" + storage.key] else {
        throw WeightmillError(
          .malformed, path, "lacks the storage \(quoted(storage.key))",
          remedy: "the file is incomplete: fetch it again")
      }
      guard entry.size == storage.byteCount else {
        throw WeightmillError(
          .refused, path,
          "the storage \(quoted(storage.key)) holds \(entry.size) bytes, the pickle says "
            + "\(storage.byteCount)")
      }
      located[storage.key] = StoredBytes(entry)
    }
    return located
  }

  /// Reads a whole small entry and compares its checksum.
  func read(
    _ entry: ZipArchive.Entry, from file: borrowing InputFile
  ) throws(WeightmillError) -> [UInt8] {
    try Self.read(entry, limit: PickleInterpreter.maximumBytes, from: file)
  }

  private static func read(
    _ entry: ZipArchive.Entry, limit: Int, from file: borrowing InputFile
  ) throws(WeightmillError) -> [UInt8] {
    guard entry.size <= limit else {
      throw WeightmillError(.malformed, file.path, "\(quoted(entry.name)) is too large")
    }
    var bytes = [UInt8](repeating: 0, count: entry.size)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      if entry.method == .deflated {
        let inflater = Inflater(entry)
        try inflater.read(at: 0, count: entry.size, from: file, into: &span, at: 0)
      } else {
        try file.read(at: entry.dataOffset, count: entry.size, into: &span, at: 0)
      }
    }
    let crc = unsafe bytes.withUnsafeBufferPointer {
      unsafe crc32(0, $0.baseAddress, UInt32($0.count))
    }
    // A checksum of 0 means that the writer recorded none (rule ZIP-08).
    guard entry.crc == 0 || UInt(entry.crc) == UInt(crc) || bytes.isEmpty else {
      throw WeightmillError(
        .malformed, file.path,
        "the zip entry \(quoted(entry.name)) is damaged: its checksum differs",
        remedy: "fetch the file again")
    }
    return bytes
  }
}
