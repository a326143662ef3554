import SystemPackage
package import WeightmillTensors

/// What a checkpoint asks of the folder it lies in.
extension Folder {
  /// Every file that belongs to the checkpoint in this folder, and must not be written to. GGUF
  /// files are outputs that may lie here.
  package var inputs: [String] { names.filter { !$0.hasSuffix(".gguf") }.map(path) }

  /// Checks that files of weights are there. The names of shards are plain ones (rule IX-02): an index
  /// cannot lead out of the folder. A link under such a name was put there by the folder's owner, and is
  /// followed wherever it leads; the user is told of those that lead neither to a file of the folder nor
  /// to a blob of a Hugging Face cache.
  ///
  /// - Parameter names: The files.
  /// - Returns: A note on links that lead elsewhere.
  /// - Throws: `noInput` for a link that leads nowhere.
  package func checkWeights(_ names: [String]) throws(WeightmillError) -> [String] {
    guard !isRemote else { return [] }
    let here = Self.realPath(path)
    var elsewhere: [(name: String, target: String)] = []
    for name in names {
      guard let real = Self.realPath(path(name)) else {
        let target = Self.linkTarget(path(name)).map { ", to \(quoted($0))" } ?? ""
        throw WeightmillError(
          .noInput, path(name), "is a link that leads nowhere\(target)",
          remedy: "fetch the file that it leads to, or put the file itself there")
      }
      let isBlob = real.folder.lastComponent?.string == "blobs"
      if !isBlob, here.map({ !real.starts(with: $0) }) ?? true {
        elsewhere.append((name, real.string))
      }
    }
    guard let first = elsewhere.first else { return [] }
    let count = elsewhere.count
    return [
      "\(count == 1 ? "a file of weights is a link" : "\(count) files of weights are links") out of "
        + "the folder: "
        + "\(first.name) is \(quoted(first.target))"
    ]
  }
}
