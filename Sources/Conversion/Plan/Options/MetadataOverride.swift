package import WeightmillGGUF
public import WeightmillTensors

/// A metadata entry that is written whatever the input says: `--override-kv KEY=TYPE:VALUE`.
public struct MetadataOverride: Equatable, Sendable {
  /// The key.
  package let key: String
  /// The value.
  package let value: GGUFValue

  /// Reads `KEY=TYPE:VALUE`; the types are llama.cpp's `int`, written as u32, `float`, written as
  /// f32, `bool` and `str`.
  ///
  /// - Parameter text: What was asked for.
  /// - Throws: `usage` when it is something else, or names a key that follows from the file itself.
  public init(_ text: String) throws(WeightmillError) {
    func wrong(_ problem: String, _ remedy: String) -> WeightmillError {
      WeightmillError(.usage, "--override-kv", "\(quoted(text)) \(problem)", remedy: remedy)
    }
    guard let sign = text.firstIndex(of: "="), sign > text.startIndex,
      case let rest = text[text.index(after: sign)...], let colon = rest.firstIndex(of: ":")
    else {
      throw wrong(
        "is not of the form KEY=TYPE:VALUE", "for example tokenizer.ggml.eos_token_id=int:2")
    }
    key = String(text[..<sign])
    guard key.utf8.count < 1 << 16, key != "general.alignment", !key.hasPrefix("split.") else {
      throw wrong("names a key that follows from the layout of the file", "leave it out")
    }
    let (kind, value) = (rest[..<colon], String(rest[rest.index(after: colon)...]))
    switch kind {
    case "int":
      guard let number = UInt32(value) else {
        throw wrong("holds no integer from 0 to 4294967295", "llama.cpp reads integers as u32")
      }
      self.value = .uint32(number)
    case "float":
      guard let number = Float(value), number.isFinite else {
        throw wrong("holds no number", "for example llama.rope.freq_base=float:10000")
      }
      self.value = .float32(number)
    case "bool":
      guard let truth = Bool(value) else { throw wrong("holds neither true nor false", "give one") }
      self.value = .bool(truth)
    case "str": self.value = .string(value)
    default: throw wrong("has the unknown type \(quoted(String(kind)))", "int, float, bool or str")
    }
  }
}
