import SystemPackage
package import WeightmillTensors

/// What a checkpoint asks of the folder it lies in.
extension Folder {
  /// Every file that belongs to the checkpoint in this folder, and must not be written to. GGUF
  /// files are outputs that may lie here.
  package var inputs: [String] { names.filter { !$0.hasSuffix(".gguf") }.map(path) }

  /// Refuses a shard that is a link out of the folder, but into the `blobs` of a Hugging Face cache,
  /// where `snapshots/HASH/NAME` leads to `../../blobs/HASH` (rule IX-02).
  package func checkReal(_ name: String) throws(WeightmillError) {
    guard let real = Self.realPath(self.path(name)), let here = Self.realPath(path) else {
      throw WeightmillError(
        .noInput, self.path(name), "the shard is a link that leads nowhere",
        remedy: "fetch the missing shard")
    }
    let blobs = Self.realPath(FilePath(path).appending("../../blobs").string)
    guard real.starts(with: here) || blobs.map({ real.starts(with: $0) }) == true else {
      throw WeightmillError(
        .refused, self.path(name),
        "the shard is a link out of its folder, to \(quoted(real.string))",
        remedy: "put the file itself there")
    }
  }
}
