internal import SystemPackage
internal import WeightmillDigests
import WeightmillModels
import WeightmillOutput
import WeightmillQuantization
import WeightmillStrictJSON
import WeightmillTensors

/// Everything that decides the bytes of an output: a run can be continued only by one of the same
/// description.
///
/// The inputs are known by name, size, time of change (from a server: the version that it names) and
/// the digest of their first mebibyte: a run of hours must not begin with reading everything once.
struct RunDescription: Equatable, Sendable {
  /// Names of what is described and what they are, in order.
  let settings: [Setting]

  /// One thing that both runs must have the same.
  struct Setting: Equatable, Sendable {
    let name: String
    let value: String
  }

  /// How many bytes of an input are hashed.
  private static let headBytes = 1 << 20

  init(settings: [Setting]) { self.settings = settings }

  /// Describes a run.
  ///
  /// - Parameters:
  ///   - plan: What is done.
  ///   - files: The files that are written.
  ///   - isStrict: Whether lost values are errors.
  /// - Throws: The errors of reading inputs.
  init(
    _ plan: ConversionPlan, files: [OutputLayout.File], isStrict: Bool
  ) throws(WeightmillError) {
    var settings: [Setting] = []
    func add(_ name: String, _ value: String) {
      settings.append(Setting(name: name, value: value))
    }
    add("version", Weightmill.version)
    for (number, source) in plan.sources.enumerated() {
      add("input \(number + 1), \(source.name)", try Self.input(source.path))
    }
    for item in plan.items {
      add("the type of \(item.tensor.name)", item.tensor.type.name)
    }
    add("encoder", plan.method.rawValue)
    add(
      "the digest of the plan",
      Provenance.digest(
        plan.items.map(\.planned), encoder: plan.method.rawValue, rule: nil,
        guidance: plan.guidance))
    if let guidance = plan.guidance { add("what guides the encoder", guidance) }
    add("files", files.map { $0.name ?? "" }.joined(separator: " "))
    add("bytes", "\(files.reduce(0) { $0 + $1.byteCount })")
    add("metadata", Self.digest(of: files))
    add("--strict", isStrict ? "given" : "not given")
    self.settings = settings
  }

  private static func input(_ path: String) throws(WeightmillError) -> String {
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.byteCount, headBytes))
    let state =
      file.version.map { "version \($0)" }
      ?? "changed \(FilePath(path).timeOfChange ?? "at an unknown time")"
    return "\(file.byteCount) bytes, \(state), "
      + "begins with \(SHA256.hexadecimal(of: head).prefix(16))"
  }

  /// The digest of all that is written but tensors.
  private static func digest(of files: [OutputLayout.File]) -> String {
    var hash = SHA256()
    for file in files { hash.update(file.header) }
    return hash.hexadecimal
  }

  /// Reads the first line of a journal; `nil` for another text.
  init?(_ json: JSONValue) {
    guard let members = json.object?.members else { return nil }
    var settings: [Setting] = []
    for member in members {
      guard let value = member.value.string else { return nil }
      settings.append(Setting(name: member.name, value: value))
    }
    self.settings = settings
  }

  /// The first line of a journal.
  var json: JSONValue {
    .object(
      JSONObject(members: settings.map { .init(name: $0.name, value: .string($0.value)) }))
  }

  /// The first thing that differs from another run's description.
  ///
  /// - Parameter earlier: The description of the run that was interrupted.
  /// - Returns: What it is, for people; `nil` when nothing differs.
  func difference(from earlier: RunDescription) -> String? {
    guard settings != earlier.settings else { return nil }
    let before = Dictionary(
      earlier.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for setting in settings {
      guard let value = before[setting.name] else { return "\(setting.name) is new" }
      guard value == setting.value else {
        return "\(setting.name): \(value) then, \(setting.value) now"
      }
    }
    let names = Set(settings.map(\.name))
    return earlier.settings.first { !names.contains($0.name) }.map { "\($0.name) is gone" }
      ?? "the order of its parts"
  }
}
