import WeightmillOutput
import WeightmillTensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What a comparison found at every judged position, as `--save-positions` writes it:
/// `formats/saved-positions.md`.
struct PositionsFile: Encodable {
  /// A text and its windows.
  struct Text: Encodable {
    let name: String
    let windows: [Window]
  }

  /// The judged positions of a window, in their order.
  struct Window: Encodable {
    /// KL(reference‖candidate) in nats.
    let divergence: [Double]
    /// Whether both models think the same token the most likely.
    let sameTop: [Bool]
  }

  /// The version of this layout.
  let schema = 1
  let texts: [Text]

  /// Takes the positions of a comparison that was not interrupted.
  ///
  /// - Parameter result: The comparison.
  init(_ result: ComparisonResult) {
    var rest = result.positions[...]
    texts = result.texts.map { text in
      let windows = text.windows.map { window in
        let found = rest.prefix(window.judged.count)
        rest = rest.dropFirst(found.count)
        return Window(
          divergence: found.map(\.result.divergence), sameTop: found.map(\.result.hasSameTop))
      }
      return Text(name: text.name, windows: windows)
    }
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  func write(_ path: String, overwrite: Bool, inputs: [String]) throws(WeightmillError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      throw WeightmillError(.internal, path, "the positions cannot be encoded as JSON")
    }
    try OutputFile.write(
      Array(data) + [UInt8(ascii: "\n")], to: path, overwrite: overwrite, inputs: inputs)
  }
}
