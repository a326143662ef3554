import WeightmillTensors

/// A piece of a file that somebody cut by bytes: `x.gguf.part1of2`, `x.gguf-split-a`, `x.gguf.001`.
struct FilePiece {
  /// The name of the whole file.
  let whole: String
  /// The pieces that lie in the folder, in order.
  let pieces: [String]
  private let problem: String
  private let path: String
  private let folder: Folder

  /// What the names of weights end in.
  private static let extensions = [".gguf", ".safetensors", ".bin", ".pth", ".pt"]

  /// Looks at a file; `nil` for what is no piece by its name.
  ///
  /// - Parameter path: The file.
  init?(piece path: String) {
    guard InputPath(path).isListed, let whole = Self.whole(of: InputPath(path).name),
      let folder = try? Folder(InputPath(path).folder)
    else { return nil }
    self.init(
      whole: whole, problem: "is a piece of \(whole), which was cut by bytes", path: path,
      in: folder)
  }

  /// Looks for the pieces of a file that is not there; `nil` if none lie in its place.
  ///
  /// - Parameter path: The file.
  init?(ofMissing path: String) {
    guard InputPath(path).isListed, let folder = try? Folder(InputPath(path).folder) else {
      return nil
    }
    let whole = InputPath(path).name
    self.init(
      whole: whole, problem: "is not there, but pieces of it are: it was cut by bytes", path: path,
      in: folder)
  }

  /// The first file of a folder of which pieces lie there; `nil` if there are none.
  init?(in folder: Folder) {
    guard let whole = folder.names.lazy.compactMap(Self.whole).first else { return nil }
    self.init(
      whole: whole, problem: "holds pieces of \(whole), which was cut by bytes", path: folder.path,
      in: folder)
  }

  private init?(whole: String, problem: String, path: String, in folder: Folder) {
    let pieces = folder.names.filter { Self.whole(of: $0) == whole }
    guard !pieces.isEmpty else { return nil }
    self.whole = whole
    self.problem = problem
    self.path = path
    self.folder = folder
    // Numbers are not always written with the same number of digits.
    self.pieces = pieces.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
  }

  /// The name of the file that a piece is of; `nil` for a name that is no piece's.
  private static func whole(of name: String) -> String? {
    let lower = name.lowercased()
    for suffix in extensions {
      // The last place, for names such as model.bin.gguf.part1.
      guard let end = lower.ranges(of: suffix).last?.upperBound else { continue }
      let tail = lower[end...]
      guard let first = tail.first, ".-_".contains(first), isPiece(tail.dropFirst()) else {
        continue
      }
      return String(name.prefix(lower.distance(from: lower.startIndex, to: end)))
    }
    return nil
  }

  /// Whether what follows a name says which piece it is: `part1of2`, `split-a`, `001`, `aa`.
  private static func isPiece(_ tail: Substring) -> Bool {
    let words = ["part", "split", "chunk", "piece"]
    if let word = words.first(where: tail.hasPrefix) { return tail.count > word.count }
    if !tail.isEmpty, tail.allSatisfy(\.isNumber) { return true }
    return tail.count == 2 && tail.first == "a" && tail.allSatisfy { ("a"..."z").contains($0) }
  }

  /// Whether the names say that there are more pieces than lie there: `part1of3`.
  private var isIncomplete: Bool {
    guard let end = pieces.first?.lowercased().ranges(of: "of").last?.upperBound,
      let count = pieces.first.flatMap({ Int($0.lowercased()[end...]) })
    else { return false }
    return count > pieces.count
  }

  /// What it is, and the command that makes the whole file.
  var error: WeightmillError {
    func path(_ name: String) -> String { folder.path == "." ? name : folder.path(name) }
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1, !isIncomplete else {
      return WeightmillError(
        .noInput, self.path, problem,
        remedy: HelpTopic.cutFiles.after(
          "fetch the other pieces, too, and put all of them together with cat"))
    }
    let listed =
      pieces.count <= 4
      ? pieces.map(path).joined(separator: " ") : "\(path(first)) … \(path(last))"
    return WeightmillError(
      .noInput, self.path, problem,
      remedy: HelpTopic.cutFiles.after(
        "put the pieces together: `cat \(listed) > \(path(whole))`"))
  }
}
