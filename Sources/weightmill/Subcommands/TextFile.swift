import Presentation
import Tensors

/// A text file given on the command line.
enum TextFile {
  private static let maximumBytes = 256 << 20

  /// Reads a UTF-8 file whole.
  static func read(_ path: String) throws(WeightmillError) -> String {
    let file = try InputFile(path)
    guard file.byteCount <= maximumBytes else {
      throw WeightmillError(
        .unsupported, path, "is \(Text.bytes(file.byteCount)) long", remedy: "give a part of it")
    }
    let bytes = try file.bytes(at: 0, count: file.byteCount)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw WeightmillError(
        .malformed, path, "is not valid UTF-8", remedy: "convert it, for example with iconv")
    }
    return text
  }
}
