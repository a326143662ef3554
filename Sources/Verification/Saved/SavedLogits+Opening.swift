import Safetensors
public import Tensors

extension LogitsFile {
  /// Opens a path as saved logits, if it is a file of them.
  ///
  /// - Parameter path: Any path.
  /// - Returns: The logits; `nil` when it is something else.
  /// - Throws: When it is a damaged file of logits.
  public static func openIfSaved(_ path: String) throws(WeightmillError) -> (any SavedLogits)? {
    // Folders are models; what cannot be opened is reported by whoever opens models.
    guard let file = try? InputFile(path),
      let head = try? file.bytes(at: 0, count: min(9, file.byteCount)), head.count == 9
    else { return nil }
    guard head[8] == UInt8(ascii: "{"), let container = try? SafetensorsFile(path: path),
      container.metadata.contains(where: { $0.name == mark.name })
    else { return nil }
    return try LogitsFile(path: path)
  }
}
