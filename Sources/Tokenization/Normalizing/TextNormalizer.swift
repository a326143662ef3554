import WeightmillTensors

/// A step done to a text before it is cut into words.
enum TextNormalizer: Equatable, Sendable {
  /// Canonical composition, or only decomposition.
  case canonical(composes: Bool)
  /// Each character in lower case, by itself.
  case lowercase
  /// Text that goes in front of what is not empty.
  case prepend([Unicode.Scalar])
  /// Another text for each occurrence of one.
  case replace([Unicode.Scalar], with: [Unicode.Scalar])

  /// The largest length of the texts of a step, in characters. The longest known are of one.
  static let maximumText = 64
  /// How many steps there may be. LLaMA has two.
  static let maximumSteps = 16
  /// How many times as long a text may become. Steps that each double it need a limit.
  static let maximumGrowth = 64

  /// The text after this step.
  func applied(to text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .canonical(let composes):
      composes
        ? CanonicalForms.composed(text) : CanonicalForms.decomposed(text)
    case .lowercase: text.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
    case .prepend(let front): text.isEmpty ? text : front + text
    case .replace(let old, let new): text.replacing(old, with: new)
    }
  }
}

extension [TextNormalizer] {
  /// The text after all steps.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - location: The file that lists the steps, for messages.
  /// - Returns: The text.
  /// - Throws: `refused` when it grows without measure.
  func applied(
    to text: [Unicode.Scalar], location: String
  ) throws(WeightmillError) -> [Unicode.Scalar] {
    let limit = (text.count + 1) * TextNormalizer.maximumGrowth
    var text = text
    for step in self {
      text = step.applied(to: text)
      guard text.count <= limit else {
        throw WeightmillError(
          .refused, location,
          "makes a text more than \(TextNormalizer.maximumGrowth) times as long before it is encoded"
        )
      }
    }
    return text
  }
}

extension [Unicode.Scalar] {
  /// Another text in place of each occurrence of one, from left to right.
  func replacing(_ old: [Unicode.Scalar], with new: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard let first = old.first else { return self }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count)
    var index = 0
    while index < count {
      if self[index] == first, self[index...].starts(with: old) {
        result += new
        index += old.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    return result
  }
}
