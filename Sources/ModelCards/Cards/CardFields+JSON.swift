import WeightmillStrictJSON
import WeightmillTensors

/// What JSON files tell: `generation_config.json`, and a file of the user's that overrides all.
extension CardFields {
  /// The members of `generation_config.json`, with the names of `general.sampling`. Of two the first counts.
  private static let generation: [(member: String, sampler: String)] = [
    ("top_k", "top_k"), ("top_p", "top_p"), ("min_p", "min_p"),
    ("xtc_probability", "xtc_probability"), ("xtc_threshold", "xtc_threshold"),
    ("temperature", "temp"), ("penalty_last_n", "penalty_last_n"),
    ("penalty_repeat", "penalty_repeat"), ("repetition_penalty", "penalty_repeat"),
    ("mirostat", "mirostat"), ("mirostat_tau", "mirostat_tau"), ("mirostat_eta", "mirostat_eta"),
  ]

  /// Reads the settings for sampling that a model is published with.
  ///
  /// - Parameters:
  ///   - json: The content of `generation_config.json`.
  ///   - path: The file, for notes.
  ///   - notes: What the user should know is added here.
  mutating func read(generation json: JSONObject, path: String, notes: inout [String]) {
    if let value = json.nonNull("sequence") {
      sequence = value.string
      if sequence == nil { notes.append("\(path): \"sequence\" is no text, and is left out") }
    }
    for (member, sampler) in Self.generation where sampling[sampler] == nil {
      guard let value = json.nonNull(member) else { continue }
      guard let number = Self.number(value, sampler) else {
        notes.append("\(path): \(quoted(member)) is \(value), which is left out")
        continue
      }
      sampling[sampler] = number
    }
  }

  /// A value of a sampler: `nil` for what is no such number.
  private static func number(_ value: JSONValue, _ sampler: String) -> Double? {
    guard let number = value.double, Float(number).isFinite else { return nil }
    guard samplers.first(where: { $0.name == sampler })?.isInteger == true else { return number }
    return Int32(exactly: number).map { Double($0) }
  }

  /// Reads a file that overrides what the model's own files say: keys with their values, in JSON, as
  /// `convert_hf_to_gguf.py --metadata` takes it. `null` takes a key away.
  ///
  /// - Parameter path: The file.
  /// - Throws: `malformed` for a key that is none of these, or a value that does not fit it.
  mutating func override(_ path: String) throws(WeightmillError) {
    guard let json = try JSONParser.parse(path: path, limit: 1 << 20).object else {
      throw WeightmillError(.malformed, path, "is not a JSON object")
    }
    for member in json.members {
      do throws(Unfit) {
        try set(member.name, member.value == .null ? nil : member.value)
      } catch {
        throw WeightmillError(
          .malformed, path, "\(quoted(member.name)) \(error.problem)", remedy: error.remedy)
      }
    }
  }

  private struct Unfit: Error {
    let problem: String
    var remedy: String?
  }

  private mutating func set(_ key: String, _ value: JSONValue?) throws(Unfit) {
    let name = key.hasPrefix("general.") ? String(key.dropFirst(8)) : ""
    let sampler = name.hasPrefix("sampling.") ? String(name.dropFirst(9)) : ""
    switch name {
    case "base_models": baseModels = try Self.sources(value)
    case "datasets": datasets = try Self.sources(value)
    case "tags": tags = try Self.texts(value)
    case "languages": languages = try Self.texts(value)
    case "sampling.sequence": sequence = try Self.text(value)
    case _ where (Self.names + Self.sources).contains(name): texts[name] = try Self.text(value)
    case _ where Self.samplers.contains { $0.name == sampler }:
      guard let value else {
        sampling[sampler] = nil
        return
      }
      guard let number = Self.number(value, sampler) else {
        throw Unfit(problem: "is \(value), which is no such number")
      }
      sampling[sampler] = number
    default:
      throw Unfit(
        problem: "is no key that is taken from here",
        remedy: "set it with --override-kv, or later with `weightmill metadata`")
    }
  }

  private static func text(_ value: JSONValue?) throws(Unfit) -> String? {
    guard let value else { return nil }
    guard let text = value.string else { throw Unfit(problem: "is \(value), which is no text") }
    return text
  }

  private static func texts(_ value: JSONValue?) throws(Unfit) -> [String]? {
    guard let value else { return nil }
    guard let elements = value.array, let texts = elements.map(\.string) as? [String] else {
      throw Unfit(problem: "is no array of texts")
    }
    return texts
  }

  private static func sources(_ value: JSONValue?) throws(Unfit) -> [Source]? {
    guard let value else { return nil }
    guard let elements = value.array else { throw Unfit(problem: "is no array of objects") }
    var sources: [Source] = []
    for element in elements {
      guard let members = element.object?.members,
        members.allSatisfy({ sourceFields.contains($0.name) && $0.value.string != nil })
      else {
        throw Unfit(
          problem: "has an element that is no object of texts",
          remedy: "the members are \(sourceFields.joined(separator: ", "))")
      }
      sources.append(
        sourceFields.compactMap { field in
          members.first { $0.name == field }?.value.string.map { (field, $0) }
        })
    }
    return sources
  }
}
