import StrictJSON

/// A tensor that an interrupted run had written whole.
struct JournalEntry: Equatable, Sendable {
  /// The tensor's name in the output.
  let tensor: String
  /// The SHA-256 of its bytes as they were written.
  let sha256: String
  /// The values of it that are not what they were.
  let faults: ValueFaults

  init(tensor: String, sha256: String, faults: ValueFaults) {
    self.tensor = tensor
    self.sha256 = sha256
    self.faults = faults
  }

  /// Reads a line of a journal; `nil` for one that was not written to its end.
  init?(_ json: JSONValue) {
    guard let object = json.object, let tensor = object["tensor"]?.string,
      let sha256 = object["sha256"]?.string,
      let counts = object["faults"]?.array?.compactMap(\.integer), counts.count == 3,
      counts.allSatisfy({ $0 >= 0 })
    else { return nil }
    self.init(
      tensor: tensor, sha256: sha256,
      faults: ValueFaults(nonFinite: counts[0], overflowed: counts[1], lost: counts[2]))
  }

  /// The line of a journal.
  var json: JSONValue {
    .object(
      JSONObject(members: [
        .init(name: "tensor", value: .string(tensor)),
        .init(name: "sha256", value: .string(sha256)),
        .init(
          name: "faults",
          value: .array(
            [faults.nonFinite, faults.overflowed, faults.lost].map { .number("\($0)") })),
      ]))
  }
}
