import StrictJSON
import Tensors

/// The small text files of a checkpoint's folder.
enum TextInput {
  /// Reads a JSON file; what a failed download leaves in its place is named.
  static func json(_ path: String) throws(WeightmillError) -> JSONValue {
    try FileKind.refusePlaceholder(path)
    return try JSONParser.parse(path: path)
  }
}
