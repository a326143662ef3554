package import WeightmillStrictJSON
package import WeightmillTensors

/// What a checkpoint says of the way in which it was quantized: the `quantization_config` of
/// `config.json`, or a file of its own beside it.
package struct Recipe: Sendable {
  /// The file, for messages.
  package let location: String
  private let object: JSONObject

  /// Takes what a file says.
  ///
  /// - Parameters:
  ///   - json: The object.
  ///   - location: The file.
  /// - Throws: `malformed` when it is no object.
  package init(_ json: JSONValue, location: String) throws(WeightmillError) {
    guard let object = json.object else {
      throw WeightmillError(
        .malformed, location, "does not say in an object how the weights are quantized")
    }
    self.object = object
    self.location = location
  }

  /// A value, `null` counting as absent.
  func value(_ name: String) -> JSONValue? { object.nonNull(name) }

  /// The first of some names that is there; versions of one program have several for one thing.
  private func first(_ names: [String]) -> (name: String, value: JSONValue)? {
    for name in names {
      if let value = object.nonNull(name) { return (name, value) }
    }
    return nil
  }

  func text(_ names: String...) throws(WeightmillError) -> String? {
    guard let (name, value) = first(names) else { return nil }
    guard let text = value.string else { throw fault("\(quoted(name)) is not a text") }
    return text
  }

  func flag(_ name: String) throws(WeightmillError) -> Bool? {
    guard let value = object.nonNull(name) else { return nil }
    guard let flag = value.bool else { throw fault("\(quoted(name)) is not true or false") }
    return flag
  }

  func integer(_ names: String...) throws(WeightmillError) -> Int? {
    guard let (name, value) = first(names) else { return nil }
    guard let number = value.integer else { throw fault("\(quoted(name)) is not an integer") }
    return number
  }

  func requiredInteger(_ name: String, _ other: String) throws(WeightmillError) -> Int {
    guard let number = try integer(name, other) else {
      throw fault("does not say \(quoted(name)) of the quantized weights")
    }
    return number
  }

  /// The size of the groups that share a scale; `nil` for -1, a whole row.
  func groupSize(_ names: String...) throws(WeightmillError) -> Int? {
    guard let (name, value) = first(names) else {
      throw fault("does not say \(quoted(names[0])) of the quantized weights")
    }
    guard let size = value.integer, size == -1 || (1...Sizes.largest).contains(size) else {
      throw fault("says the impossible \(quoted(name)) \(quoted(value.description, limit: 40))")
    }
    return size == -1 ? nil : size
  }

  /// An object inside of this one.
  func inner(_ name: String) throws(WeightmillError) -> Recipe? {
    guard let value = object.nonNull(name) else { return nil }
    return try Recipe(value, location: location)
  }

  /// All members.
  var members: [(name: String, value: JSONValue)] {
    object.members.map { ($0.name, $0.value) }
  }

  func fault(_ problem: String) -> WeightmillError {
    WeightmillError(.malformed, location, problem)
  }

  /// An error for what is well formed, but not read.
  func unsupported(_ problem: String, remedy: String = Self.remedy) -> WeightmillError {
    WeightmillError(.unsupported, location, problem, remedy: remedy)
  }

  /// What can always be done.
  static let remedy = "start from the model before it was quantized, or from a GGUF file of it"
}

/// Bounds of what is read.
enum Sizes {
  /// The largest extent of a matrix, which is that of models' configurations, too.
  static let largest = 1 << 24
}
