import WeightmillOutput
import WeightmillQuantization
import WeightmillStrictJSON
public import WeightmillTensors

/// The file of sensitivities: formats/sensitivities.md.
public enum SensitivityFile {
  /// The version of the format.
  package static let version = 1
  /// Far more than any model's.
  private static let mostBytes = 64 << 20
  /// Far more than any matrix has.
  private static let mostValues = 1 << 48

  /// Reads a file.
  ///
  /// - Parameter path: The file.
  /// - Returns: What was measured.
  /// - Throws: `noInput`; `malformed` when it holds something else; `unsupported` for a later version.
  public static func read(_ path: String) throws(WeightmillError) -> Sensitivities {
    guard let file = try JSONParser.parse(path: path, limit: mostBytes).object else {
      throw broken(path, "is no JSON object")
    }
    guard let version = file["sensitivities"]?.integer else {
      throw WeightmillError(
        .malformed, path, "is no file of sensitivities",
        remedy: "make one with `weightmill sensitivity`")
    }
    guard version == Self.version else {
      throw WeightmillError(
        .unsupported, path, "is of version \(version); this Weightmill reads \(Self.version)",
        remedy: "measure anew with `weightmill sensitivity`")
    }
    let origin = try origin(file, path)
    guard let list = file["matrices"]?.array, let uniform = file["uniform"]?.array else {
      throw broken(path, "lacks matrices or uniform")
    }
    var matrices: [Sensitivities.Matrix] = []
    var names: Set<TensorName> = []
    for (index, value) in list.enumerated() {
      let matrix = try matrix(value, path, at: "matrix \(index + 1)")
      guard names.insert(TensorName(matrix.name)).inserted else {
        throw broken(path, "has \(quoted(matrix.name)) twice")
      }
      matrices.append(matrix)
    }
    return Sensitivities(
      origin: origin, matrices: matrices, uniform: try Self.uniform(uniform, path))
  }

  private static func broken(_ path: String, _ problem: String, at place: String? = nil)
    -> WeightmillError
  {
    WeightmillError(
      .malformed, path, problem, at: place, remedy: "measure anew with `weightmill sensitivity`")
  }

  private static func origin(
    _ file: JSONObject, _ path: String
  ) throws(WeightmillError) -> Sensitivities.Origin {
    guard let model = file["model"]?.string, let text = file["text"]?.object,
      let digest = text["digest"]?.string, let tokens = text["tokens"]?.integer, tokens > 0,
      let sample = text["sample"]?.integer, sample > 0, let names = text["names"]?.array,
      let importance = file["importance"]?.string, let types = file["types"]?.array
    else { throw broken(path, "does not say what was measured") }
    var tried: [TensorType] = []
    for value in types { tried.append(try type(value.string, path)) }
    return Sensitivities.Origin(
      model: model, text: digest, importance: importance, tokens: tokens, sample: sample,
      names: names.compactMap(\.string), types: tried)
  }

  private static func type(
    _ name: String?, _ path: String, at place: String? = nil
  ) throws(WeightmillError) -> TensorType {
    guard let name, let type = TensorType.allCases.first(where: { $0.name == name }),
      RowEncoder.types.contains(type)
    else { throw broken(path, "names no type that can be written", at: place) }
    return type
  }

  private static func matrix(
    _ value: JSONValue, _ path: String, at place: String
  ) throws(WeightmillError) -> Sensitivities.Matrix {
    guard let object = value.object, let name = object["name"]?.string,
      let rows = object["rows"]?.integer, rows > 0,
      let columns = object["columns"]?.integer, columns > 0,
      rows <= mostValues / columns, let stored = object["errors"]?.object
    else { throw broken(path, "lacks a name, a shape or errors", at: place) }
    var errors: [TensorType: Double] = [:]
    for member in stored.members {
      let type = try type(member.name, path, at: place)
      guard let error = member.value.double, error >= 0, columns % type.valuesPerBlock == 0 else {
        throw broken(path, "has no error that \(type.name) could have", at: place)
      }
      errors[type] = error
    }
    let probe = try type(object["probe"]?.string, path, at: place)
    guard errors[probe] != nil else {
      throw broken(path, "has no error of its probe", at: place)
    }
    var divergence: Double?
    if let value = object.nonNull("divergence") {
      guard let number = value.double, number >= 0 else {
        throw broken(path, "has no divergence that could be", at: place)
      }
      divergence = number
    }
    return Sensitivities.Matrix(
      name: name, rows: rows, columns: columns, errors: errors, probe: probe,
      divergence: divergence)
  }

  private static func uniform(
    _ list: [JSONValue], _ path: String
  ) throws(WeightmillError) -> [Sensitivities.Uniform] {
    var uniform: [Sensitivities.Uniform] = []
    for value in list {
      guard let divergence = value.object?["divergence"]?.double, divergence >= 0 else {
        throw broken(path, "has a model in one type without divergence")
      }
      uniform.append(
        .init(type: try type(value.object?["type"]?.string, path), divergence: divergence))
    }
    return uniform
  }

  // MARK: Writing

  /// Writes a file; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - sensitivities: What was measured by now.
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  public static func write(
    _ sensitivities: Sensitivities, to path: String, overwrite: Bool, inputs: [String] = []
  ) throws(WeightmillError) {
    let text = json(sensitivities).indented
    try OutputFile.write(Array(text.utf8), to: path, overwrite: overwrite, inputs: inputs)
  }

  private static func json(_ found: Sensitivities) -> JSONValue {
    let origin = found.origin
    return object([
      ("sensitivities", number(version)), ("model", .string(origin.model)),
      (
        "text",
        object([
          ("names", .array(origin.names.map { .string($0) })), ("digest", .string(origin.text)),
          ("tokens", number(origin.tokens)), ("sample", number(origin.sample)),
        ])
      ),
      ("importance", .string(origin.importance)),
      ("types", .array(origin.types.map { .string($0.name) })),
      (
        "uniform",
        .array(
          found.uniform.map {
            object([("type", .string($0.type.name)), ("divergence", number($0.divergence))])
          })
      ), ("matrices", .array(found.matrices.map(json))),
    ])
  }

  private static func json(_ matrix: Sensitivities.Matrix) -> JSONValue {
    let errors = matrix.errors.sorted { $0.key.bitsPerValue < $1.key.bitsPerValue }
    return object([
      ("name", .string(matrix.name)), ("rows", number(matrix.rows)),
      ("columns", number(matrix.columns)), ("probe", .string(matrix.probe.name)),
      ("divergence", matrix.divergence.map(number) ?? .null),
      ("errors", object(errors.map { ($0.key.name, number($0.value)) })),
    ])
  }

  private static func number(_ value: Int) -> JSONValue { .number("\(value)") }

  private static func number(_ value: Double) -> JSONValue { .number("\(value)") }

  private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
    .object(JSONObject(members: members.map { .init(name: $0.0, value: $0.1) }))
  }
}
