/// A model's name taken apart: `meta-llama/Llama-2-7b-chat-hf` gives base name, size, fine-tuning, version.
///
/// The rules are those of gguf-py's `Metadata.get_model_id_components`, so that files are named as
/// llama.cpp's converter names them.
package struct ModelName: Equatable, Sendable {
  /// The name without its organization.
  package private(set) var name: String?
  /// What stands before a slash.
  package private(set) var organization: String?
  /// The family, such as `Llama-2`.
  package private(set) var basename: String?
  /// What was done to it, such as `chat-hf`.
  package private(set) var finetune: String?
  /// The version, such as `v0.2`.
  package private(set) var version: String?
  /// The size, such as `7B`.
  package private(set) var sizeLabel: String?

  /// What a part of a name may be.
  private enum Kind { case basename, size, finetune, version, type }

  private struct Part {
    var text: String
    var kinds: Set<Kind> = []
  }

  /// Takes a name apart.
  ///
  /// - Parameters:
  ///   - id: The name, with an organization and a slash in front of it or without.
  ///   - parameters: The number of the model's parameters: a size that is far from it is none.
  package init(_ id: String, parameters: Int) {
    // Normal words: a name and nothing else.
    guard !id.contains(" ") else {
      name = id
      return
    }
    let halves = id.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let full = String(halves[halves.count - 1])
    name = full
    // Part of a path, such as `../model`, is no organization.
    if halves.count == 2, halves[0].first != "." { organization = String(halves[0]) }
    var parts = full.split(separator: "-").map { Part(text: String($0)) }
    for index in parts.indices {
      Self.annotate(&parts[index], isFirst: index == 0, parameters: parameters)
    }
    Self.dropWordsForSizes(&parts)
    Self.findBasename(&parts)
    func joined(_ kind: Kind, _ isWanted: (Part) -> Bool = { _ in true }) -> String? {
      let found = parts.filter { $0.kinds.contains(kind) && isWanted($0) }.map(\.text)
      return found.isEmpty ? nil : found.joined(separator: "-")
    }
    let sizes = parts.filter { $0.kinds.contains(.size) }.map(\.text)
    let distinct = sizes.indices.filter { sizes.firstIndex(of: sizes[$0]) == $0 }.map { sizes[$0] }
    sizeLabel = distinct.isEmpty ? nil : distinct.joined(separator: "-")
    finetune = joined(.finetune)
    version = joined(.version) { !$0.kinds.contains(.basename) }
    // A basename by itself would only repeat the name.
    if sizeLabel != nil || finetune != nil || version != nil { basename = joined(.basename) }
  }

  private static func annotate(_ part: inout Part, isFirst: Bool, parameters: Int) {
    let lower = Array(part.text.lowercased().utf8)
    if isVersion(lower) {
      part.kinds.insert(.version)
    } else if isType(lower) {
      part.kinds.insert(.type)
      part.text = part.text.uppercased()
    } else if !isFirst, let size = SizeName(part.text) {
      part.text = size.text
      if size.isFar(from: parameters) {
        // Likely the length of a context.
        part.kinds.insert(.finetune)
        part.text = size.lowered
      } else {
        part.kinds.insert(.size)
      }
    } else if !isFirst, ["chat", "instruct", "vision", "lora"].contains(part.text.lowercased()) {
      part.kinds.insert(.finetune)
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// `v0.2`, `1.5`, `iter3`.
  private static func isVersion(_ text: [UInt8]) -> Bool {
    var rest = text[...]
    if rest.starts(with: "iter".utf8) {
      rest = rest.dropFirst(4)
    } else if rest.first == UInt8(ascii: "v") {
      rest = rest.dropFirst()
    }
    return rest.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
      !$0.isEmpty && $0.allSatisfy(isDigit)
    }
  }

  /// `q4`, `iq2`, `q4_k_m`, `f16`, `bf16`, `fp16`, `bfp32`.
  private static func isType(_ text: [UInt8]) -> Bool {
    var rest = text[...]
    if rest.first == UInt8(ascii: "i") { rest = rest.dropFirst() }
    if rest.first == UInt8(ascii: "q"), rest.count >= 2, isDigit(rest[rest.startIndex + 1]) {
      // Pairs of an underscore and one letter or digit follow.
      rest = rest.dropFirst(2)
      guard rest.count % 2 == 0 else { return false }
      return rest.enumerated().allSatisfy { offset, byte in
        offset % 2 == 0
          ? byte == 0x5F : isDigit(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
      }
    }
    rest = text[...]
    if rest.first == UInt8(ascii: "b") { rest = rest.dropFirst() }
    guard rest.first == UInt8(ascii: "f") else { return false }
    rest = rest.dropFirst()
    if rest.first == UInt8(ascii: "p") { rest = rest.dropFirst() }
    return rest.elementsEqual("16".utf8) || rest.elementsEqual("32".utf8)
  }

  /// Words such as `mini` are no sizes beside numbers.
  private static func dropWordsForSizes(_ parts: inout [Part]) {
    let hasNumber = parts.contains {
      $0.kinds.contains(.size) && $0.text.utf8.contains(where: isDigit)
    }
    guard hasNumber else { return }
    for index in parts.indices where parts[index].kinds.contains(.size) {
      if parts[index].text.allSatisfy(\.isLetter) { parts[index].kinds.remove(.size) }
    }
  }

  /// What stands in front, up to the first part that is something else; but not a version at its end.
  private static func findBasename(_ parts: inout [Part]) {
    var isAtStart = true
    for index in parts.indices {
      let kinds = parts[index].kinds
      let begins = kinds.isEmpty && parts[index].text.first?.isLetter == true
      if isAtStart, begins || kinds.contains(.version) {
        parts[index].kinds.insert(.basename)
      } else {
        isAtStart = false
        if kinds.isEmpty { parts[index].kinds.insert(.finetune) }
      }
    }
    for index in parts.indices.reversed() {
      guard parts[index].kinds.contains(.basename), parts[index].kinds.count > 1 else { break }
      parts[index].kinds.remove(.basename)
    }
  }
}

/// A part of a name that says a size: `7B`, `8x7b`, `A2.4B`, `1_5B`, `mini`.
private struct SizeName {
  /// The size as it is written.
  var text: String

  private static let words: Set<String> = ["small", "mini", "medium", "large", "xl", "xxl"]
  private static let units = Array("kmbt".utf8)

  init?(_ part: String) {
    guard !Self.words.contains(part.lowercased()) else {
      text = part
      return
    }
    guard Self.isNumber(Array(part.lowercased().utf8)[...]) else { return nil }
    var bytes = Array(part.replacing("_", with: ".").utf8)
    // Bloom's 7b1 is 7.1b.
    if let last = bytes.last, ModelName.isDigit(last) {
      let unit = bytes[bytes.count - 2]
      bytes = bytes.dropLast(2) + [UInt8(ascii: "."), last, unit]
    }
    let last = bytes[bytes.count - 1]
    if Self.units.contains(last) { bytes[bytes.count - 1] = last - 0x20 }
    text = String(decoding: bytes, as: UTF8.self)
  }

  /// `7b`, `7b1`, `1.5b`, `1_5b`, with `a` or `8x` in front.
  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func digits() -> ArraySlice<UInt8> { rest.prefix { ModelName.isDigit($0) } }
    if rest.first == UInt8(ascii: "a") {
      rest = rest.dropFirst()
    } else {
      let experts = digits()
      let after = rest.dropFirst(experts.count)
      if !experts.isEmpty, after.first == UInt8(ascii: "x") { rest = after.dropFirst() }
    }
    guard !digits().isEmpty else { return false }
    rest = rest.dropFirst(digits().count)
    if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: "_") {
      rest = rest.dropFirst()
      guard !digits().isEmpty else { return false }
      rest = rest.dropFirst(digits().count)
    }
    guard let unit = rest.first, units.contains(unit) else { return false }
    rest = rest.dropFirst()
    return rest.isEmpty || rest.count == 1 && rest.allSatisfy(ModelName.isDigit)
  }

  /// Whether the size is so far from the number of parameters that it must mean something else.
  func isFar(from parameters: Int) -> Bool {
    guard parameters > 0, let last = text.utf8.last, let power = " KMBT".utf8.firstIndex(of: last),
      let number = Double(text.dropLast())
    else { return false }
    var size = number
    for _ in 0..<" KMBT".utf8.distance(from: " KMBT".utf8.startIndex, to: power) { size *= 1000 }
    // Seven eighths, rounded down.
    return abs(size - Double(parameters)) > Double(parameters / 8 * 7 + parameters % 8 * 7 / 8)
  }

  /// The size with its unit in small letters.
  var lowered: String { text.dropLast() + text.suffix(1).lowercased() }
}
