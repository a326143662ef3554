package import StrictJSON
package import Tensors

/// The small text files of a checkpoint's folder.
package enum TextInput {
  /// Reads a JSON file; what a failed download leaves in its place is named.
  package static func json(_ path: String) throws(WeightmillError) -> JSONValue {
    try FileKind.refusePlaceholder(path)
    return try JSONParser.parse(path: path)
  }
}
