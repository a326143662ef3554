/// Names of outputs that hold a place for the type: `ziya-{type}.gguf`.
package enum FileNameTemplate {
  private static let names = ["type", "ftype", "outtype"]

  /// Puts the type where `{type}`, `{ftype}`, `{outtype}` or `{}` stand in a path's last name, in capital letters
  /// where `{TYPE}`, `{FTYPE}` or `{OUTTYPE}` do, as `convert_hf_to_gguf.py --outfile` does.
  ///
  /// - Parameters:
  ///   - path: The path; other braces stay as they are.
  ///   - type: The type or mix; `nil` leaves the path as it is.
  /// - Returns: The path.
  package static func filled(_ path: String, type: String?) -> String {
    guard let type else { return path }
    let start = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) }
    let folder = path[..<(start ?? path.startIndex)]
    var name = String(path[(start ?? path.startIndex)...])
    for place in names {
      name.replace("{\(place)}", with: type.lowercased())
      name.replace("{\(place.uppercased())}", with: type.uppercased())
    }
    name.replace("{}", with: type.lowercased())
    return folder + name
  }

  /// Whether a path has a place for a type.
  package static func isTemplate(_ path: String) -> Bool { filled(path, type: "x") != path }
}
