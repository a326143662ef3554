import WeightmillStrictJSON
import WeightmillTensors

/// The members of an object of the file, read with their types checked.
struct JSONFields {
  private let members: [TensorName: JSONValue]
  let location: String
  /// Where the object is in the file: `pre_tokenizer`.
  let position: String

  /// Takes members by their names.
  init(_ members: [TensorName: JSONValue], _ location: String, _ position: String) {
    self.members = members
    self.location = location
    self.position = position
  }

  /// Takes a value that must be an object.
  init(_ value: JSONValue?, _ location: String, _ position: String) throws(WeightmillError) {
    guard let object = value?.object else {
      throw WeightmillError(.malformed, location, "holds no object where one must be", at: position)
    }
    var members: [TensorName: JSONValue] = [:]
    for member in object.members { members[TensorName(member.name)] = member.value }
    self.init(members, location, position)
  }

  /// A member; `nil` when it is absent.
  subscript(name: String) -> JSONValue? { members[TensorName(name)] }

  /// A member; `nil` when it is absent or null.
  private func nonNull(_ name: String) -> JSONValue? { self[name] == .null ? nil : self[name] }

  /// An error about this object.
  func error(_ code: WeightmillError.Code, _ problem: String) -> WeightmillError {
    WeightmillError(code, location, problem, at: position)
  }

  /// Whether the member is there and not null.
  func has(_ name: String) -> Bool { nonNull(name) != nil }

  /// A text that must be there.
  func text(_ name: String) throws(WeightmillError) -> String {
    guard let text = self[name]?.string else {
      throw error(.malformed, "has no text \(quoted(name))")
    }
    return text
  }

  /// The text as characters, at most as many as `limit`.
  func scalars(_ name: String, limit: Int) throws(WeightmillError) -> [Unicode.Scalar] {
    let scalars = Array(try text(name).unicodeScalars.prefix(limit + 1))
    guard scalars.count <= limit else {
      throw error(.unsupported, "has a \(quoted(name)) of more than \(limit) characters")
    }
    return scalars
  }

  /// A number; `nil` where it is absent or null.
  func number(_ name: String) throws(WeightmillError) -> Double? {
    guard let value = nonNull(name) else { return nil }
    guard let number = value.double else {
      throw error(.malformed, "has a \(quoted(name)) that is no number")
    }
    return number
  }

  /// A truth value; `orElse` where it is absent or null.
  func flag(_ name: String, orElse other: Bool) throws(WeightmillError) -> Bool {
    guard let value = nonNull(name) else { return other }
    guard let flag = value.bool else {
      throw error(.malformed, "has a \(quoted(name)) that is neither true nor false")
    }
    return flag
  }

  /// A count; `orElse` where it is absent or null.
  func count(_ name: String, orElse other: Int) throws(WeightmillError) -> Int {
    guard let value = nonNull(name) else { return other }
    guard let count = value.integer, count >= 0 else {
      throw error(.malformed, "has a \(quoted(name)) that is no count")
    }
    return count
  }

  /// The elements of an array that must be there.
  func array(_ name: String) throws(WeightmillError) -> [JSONValue] {
    guard let array = self[name]?.array else {
      throw error(.malformed, "has no array \(quoted(name))")
    }
    return array
  }

  /// A text that must be one of a type's values; `orElse` where it is absent.
  func choice<Value: RawRepresentable<String>>(
    _ name: String, orElse other: Value
  ) throws(WeightmillError) -> Value {
    guard has(name) else { return other }
    guard let value = Value(rawValue: try text(name)) else {
      throw error(.malformed, "has an unknown \(quoted(name)) \(quoted(try text(name)))")
    }
    return value
  }

  /// The steps that a value consists of: none for null, one, or those of sequences in sequences.
  static func steps(
    of value: JSONValue?, in list: String, _ location: String, _ position: String
  ) throws(WeightmillError) -> [JSONFields] {
    guard let value, value != .null else { return [] }
    var steps: [JSONFields] = []
    var waiting = [value]
    while let next = waiting.popLast() {
      let fields = try JSONFields(next, location, position)
      if try fields.text("type") == "Sequence" {
        waiting += try fields.array(list).reversed()
      } else {
        steps.append(fields)
      }
    }
    return steps
  }
}
