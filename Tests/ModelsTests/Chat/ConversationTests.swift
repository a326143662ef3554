import Testing
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What a file of a conversation may hold.
struct ConversationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ json: String) throws -> Conversation {
    try Conversation(path: folder.write(json.utf8, to: "talk.json"))
  }

  @Test func aListOfMessagesIsRead() throws {
    let talk = try read(
      #"[{"role":"system","content":"s"},{"content":"a\n","role":"user"},"#
        + #"{"role":"assistant","content":" b"},{"role":"user","content":"c"}]"#)
    #expect(talk.system == "s")
    #expect(talk.turns == ["a\n", " b", "c"])
    #expect(try read(#"[{"role":"user","content":"a"}]"#) == Conversation(question: "a"))
  }

  @Test(
    arguments: [
      ("", .malformed, "empty"), ("{}", .malformed, "list"), ("[", .malformed, "JSON"),
      ("[]", .malformed, "does not end"), ("[1]", .malformed, "no"),
      (#"[{"role":"user"}]"#, .malformed, "not a text"),
      (#"[{"role":"user","content":["a"]}]"#, .malformed, "not a text"),
      (#"[{"role":"user","content":null}]"#, .malformed, "not a text"),
      (#"[{"role":"user","content":""}]"#, .malformed, "without a text"),
      (#"[{"role":"User","content":"a"}]"#, .malformed, "role"),
      (#"[{"role":"tool","content":"a"}]"#, .malformed, "role"),
      (#"[{"role":"user","content":"a","name":"b"}]"#, .unsupported, "name"),
      (#"[{"role":"assistant","content":"a"}]"#, .malformed, "where the user"),
      (#"[{"role":"system","content":"a"}]"#, .malformed, "does not end"),
      (#"[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#, .malformed, "assistant"),
      (
        #"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#, .malformed,
        "does not end"
      ),
      (
        #"[{"role":"user","content":"a"},{"role":"system","content":"b"}]"#, .malformed,
        "only be the first"
      ),
    ] as [(String, WeightmillError.Code, String)])
  func whatIsNoConversationIsAnError(
    json: String, code: WeightmillError.Code, problem: String
  ) throws {
    let error = expectError(code) { _ = try read(json) }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }

  @Test func controlCharactersAreEscaped() throws {
    let error = expectError(.malformed) {
      _ = try read(#"[{"role":"\u001b[31mu\u202e","content":"a"}]"#)
    }
    #expect(
      error?.description.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) } == true)
  }

  @Test(.timeLimit(.minutes(5))) func longListsAreNoTrap() throws {
    let turn = #"{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#
    let list = String(repeating: turn, count: 50_000)
    #expect(try read("[\(list)" + #"{"role":"user","content":"a"}]"#).turns.count == 100_001)
    let members = (0..<20_000).map { "\"\($0)\":0" }.joined(separator: ",")
    expectError(.unsupported) { _ = try read("[{\(members)}]") }
  }

  @Test func aSecondSystemMessageIsAnError() throws {
    let talk = try Conversation(question: "a").with(system: "s", location: "t")
    #expect(talk == Conversation(question: "a", system: "s"))
    expectError(.usage) { _ = try talk.with(system: "s", location: "t") }
  }
}
