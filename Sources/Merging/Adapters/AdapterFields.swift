import WeightmillStrictJSON
import WeightmillTensors

/// Typed access to the fields of an `adapter_config.json`.
struct AdapterFields {
  /// The largest length of all names of a pattern table together, in bytes.
  private static let maximumPatternBytes = 1 << 16
  /// The largest scale; what people use is from 1 to some hundreds.
  private static let largestNumber = 1e6

  private let object: JSONObject
  private let location: String

  init(_ json: JSONValue, location: String) throws(WeightmillError) {
    guard let object = json.object else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    self.object = object
    self.location = location
  }

  func text(_ name: String) throws(WeightmillError) -> String? {
    guard let value = object.nonNull(name) else { return nil }
    guard let text = value.string else { throw malformed(name, "is not a text") }
    return text
  }

  func flag(_ name: String) throws(WeightmillError) -> Bool {
    guard let value = object.nonNull(name) else { return false }
    guard let flag = value.bool else { throw malformed(name, "is not true or false") }
    return flag
  }

  func rank(_ name: String) throws(WeightmillError) -> Int? {
    guard let value = object.nonNull(name) else { return nil }
    return try Self.rank(value, name, location)
  }

  func number(_ name: String) throws(WeightmillError) -> Double? {
    guard let value = object.nonNull(name) else { return nil }
    return try Self.number(value, name, location)
  }

  static func rank(
    _ value: JSONValue, _ name: String, _ location: String
  ) throws(WeightmillError) -> Int {
    guard let rank = value.integer, rank > 0 else {
      throw WeightmillError(
        .malformed, location, "\(quoted(name)) is \(quoted(value.description)), which is no rank")
    }
    guard rank <= AdapterConfiguration.maximumRank else {
      throw WeightmillError(
        .unsupported, location,
        "\(quoted(name)) is \(rank); ranks up to \(AdapterConfiguration.maximumRank) are merged")
    }
    return rank
  }

  static func number(
    _ value: JSONValue, _ name: String, _ location: String
  ) throws(WeightmillError) -> Double {
    guard let number = value.double, number.magnitude <= largestNumber else {
      throw WeightmillError(
        .malformed, location, "\(quoted(name)) is \(quoted(value.description)), which is no scale")
    }
    return number
  }

  /// A list of module names; some fields may hold one regular expression instead.
  func names(_ name: String, allowsPattern: Bool = false) throws(WeightmillError) -> [String] {
    guard let value = object.nonNull(name) else { return [] }
    if allowsPattern, value.string != nil { return [] }
    guard let texts = value.array?.map(\.string), case let names = texts.compactMap({ $0 }),
      names.count == texts.count
    else { throw malformed(name, "is not a list of names") }
    return names
  }

  /// Whether some modules of the names in `target_modules` are left alone.
  var limitsTargets: Bool {
    ["layers_to_transform", "exclude_modules"].contains { object.nonNull($0) != nil }
  }

  /// A table from patterns of module names to values, in the order of the file.
  func patterns<Value>(
    _ name: String,
    _ read: (JSONValue, String, String) throws(WeightmillError) -> Value
  ) throws(WeightmillError) -> [(ModulePattern, Value)] {
    guard let value = object.nonNull(name) else { return [] }
    guard let table = value.object else { throw malformed(name, "is not a table") }
    guard table.members.reduce(0, { $0 + $1.name.utf8.count }) <= Self.maximumPatternBytes else {
      throw WeightmillError(
        .unsupported, location, "\(quoted(name)) is longer than any table that PEFT writes")
    }
    var patterns: [(ModulePattern, Value)] = []
    for member in table.members {
      guard let pattern = ModulePattern(member.name) else {
        throw WeightmillError(
          .unsupported, location,
          "\(quoted(name)) has the pattern \(quoted(member.name)), which is no plain module name",
          remedy: "write one entry for each module")
      }
      patterns.append((pattern, try read(member.value, name, location)))
    }
    return patterns
  }

  /// Refuses adapters whose update is not B·A, or not made for the base's own weights.
  func refuseVariants() throws(WeightmillError) {
    for (name, meaning) in [("use_qalora", "QALoRA"), ("lora_bias", "biases")]
    where try flag(name) {
      throw unsupported("uses \(meaning) (\(quoted(name)))")
    }
    let fields = [
      "trainable_token_indices", "alora_invocation_tokens", "layer_replication",
      "target_parameters", "arrow_config", "kasa_config", "use_bdlora", "monteclora_config",
    ]
    for name in fields {
      guard let value = object.nonNull(name), value != .array([]),
        value.object?.members.isEmpty != true
      else { continue }
      throw unsupported("uses \(quoted(name))")
    }
    guard let start = object.nonNull("init_lora_weights"), start.bool == nil else { return }
    guard let name = start.string else {
      throw malformed("init_lora_weights", "is neither a text nor true or false")
    }
    guard ["gaussian", "eva", "orthogonal", "mica"].contains(name.lowercased()) else {
      throw WeightmillError(
        .unsupported, location,
        "says that training began from changed base weights (init_lora_weights \(quoted(name)))",
        remedy: "let PEFT save it with path_initial_model_for_weight_conversion")
    }
  }

  private func unsupported(_ problem: String) -> WeightmillError {
    WeightmillError(
      .unsupported, location, problem + ", which is not merged yet",
      remedy: "merge it with PEFT and convert the result")
  }

  private func malformed(_ name: String, _ problem: String) -> WeightmillError {
    WeightmillError(.malformed, location, "\(quoted(name)) \(problem)")
  }
}
