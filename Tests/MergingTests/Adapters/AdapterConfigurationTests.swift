import Testing
import WeightmillMerging
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// `adapter_config.json`: what it means, and what is refused.
struct AdapterConfigurationTests {
  private static func read(_ more: String...) throws -> AdapterConfiguration {
    var members = [#""peft_type":"LORA""#, #""r":8"#, #""lora_alpha":16"#]
    for member in more {
      let name = member.prefix { $0 != ":" }
      members.removeAll { $0.hasPrefix(name) }
      members.append(member)
    }
    let text = "{\(members.joined(separator: ","))}"
    return try AdapterConfiguration(
      JSONParser.parse(Array(text.utf8), file: "adapter_config.json"),
      location: "adapter_config.json")
  }

  @Test func scaleIsAlphaOverTheRankOrItsRoot() throws {
    #expect(try Self.read().scale(of: "q_proj") == 2)
    #expect(try Self.read(#""lora_alpha":1"#, #""r":3"#).scale(of: "q_proj") == Float(1.0 / 3))
    let stabilized = try Self.read(#""use_rslora":true"#)
    #expect(stabilized.scale(of: "q_proj") == Float(16 / 8.0.squareRoot()))
  }

  @Test(arguments: [
    ("q_proj", "model.layers.0.self_attn.q_proj", true), ("q_proj", "q_proj", true),
    ("_proj", "model.layers.0.self_attn.q_proj", false),
    ("layers.0.self_attn.q_proj", "model.layers.0.self_attn.q_proj", true),
    ("layers.0.self_attn.q_proj", "model.layers.10.self_attn.q_proj", false),
    ("^model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.q_proj", true),
    ("^q_proj", "model.layers.0.self_attn.q_proj", false), ("q_proj$", "a.q_proj", true),
    (#".*\.q_proj"#, "a.q_proj", true), (#".*\.lm_head"#, "lm_head", false),
    (".*proj", "a.q_proj", true),
    (#"layers\.\d\.self_attn\.q_proj"#, "m.layers.7.self_attn.q_proj", true),
    ("q.proj", "a.q_proj", true), ("k_proj|v_proj", "a.v_proj", true),
    ("k_proj|v_proj", "a.q_proj", false), ("longer.than.the.name", "name", false),
  ])
  func patternsMatchAsPEFTs(pattern: String, module: String, matches: Bool) throws {
    let escaped = pattern.split(separator: "\\", omittingEmptySubsequences: false)
      .joined(separator: "\\\\")
    let configuration = try Self.read(
      #""rank_pattern":{"\#(escaped)":3}"#, #""alpha_pattern":{"\#(escaped)":1.5}"#)
    #expect(configuration.rank(of: module) == (matches ? 3 : 8))
    #expect(configuration.scale(of: module) == (matches ? 0.5 : 2))
  }

  @Test func theFirstPatternCounts() throws {
    let configuration = try Self.read(#""rank_pattern":{"q_proj":3,"layers.0.q_proj":5}"#)
    #expect(configuration.rank(of: "layers.0.q_proj") == 3)
  }

  @Test(arguments: [
    #""r":0"#, #""r":-1"#, #""r":"8""#, #""r":8.0"#, #""r":null"#, #""lora_alpha":"16""#,
    #""lora_alpha":null"#, #""lora_alpha":1e300"#, #""use_rslora":1"#, #""target_modules":[1]"#,
    #""modules_to_save":"lm_head""#, #""rank_pattern":[]"#, #""rank_pattern":{"q_proj":0}"#,
    #""alpha_pattern":{"q_proj":"1"}"#, #""base_model_name_or_path":1"#,
    #""init_lora_weights":1"#,
  ])
  func impossibleValuesAreMalformed(member: String) {
    expectError(.malformed) { _ = try Self.read(member) }
  }

  @Test(arguments: [
    #""peft_type":"LOHA""#, #""peft_type":null"#, #""use_qalora":true"#,
    #""lora_bias":true"#, #""trainable_token_indices":[1]"#, #""layer_replication":[[0,4]]"#,
    #""target_parameters":["x"]"#, #""alora_invocation_tokens":[1]"#, #""r":1025"#,
    #""init_lora_weights":"pissa_niter_4""#, #""init_lora_weights":"olora""#,
    #""rank_pattern":{"(q|k)_proj":2}"#, #""rank_pattern":{"q_proj*":2}"#,
    #""rank_pattern":{"":2}"#, #""rank_pattern":{"q_proj|":2}"#,
  ])
  func otherKindsAreUnsupported(member: String) {
    expectError(.unsupported) { _ = try Self.read(member) }
  }

  @Test(arguments: [
    #""lora_bias":null"#, #""layer_replication":null"#, #""target_parameters":[]"#,
    #""kasa_config":{}"#, #""init_lora_weights":"gaussian""#, #""init_lora_weights":false"#,
    #""target_modules":".*_proj""#, #""rank_pattern":null"#, #""loftq_config":{}"#,
    #""something_new":[1,2,{"a":null}]"#, #""lora_alpha":16.5"#, #""bias":"all""#,
  ])
  func whatChangesNothingIsIgnored(member: String) throws {
    #expect(try Self.read(member).rank == 8)
  }

  @Test func whatIsNoObjectIsMalformed() throws {
    expectError(.malformed) {
      _ = try AdapterConfiguration(.array([]), location: "adapter_config.json")
    }
  }

  /// PEFT says nothing of a key that is no module's name; it trained another model than was meant.
  @Test func keysThatNameNothingAreReported() throws {
    let modules = ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"]
    let idle = try Self.read(#""alpha_pattern":{"^q_proj":100,"v_proj":8}"#).tableNotes(modules)
    #expect(idle.count == 1)
    #expect(idle.first?.contains(#"alpha_pattern has "^q_proj","#) == true, "\(idle)")
    let both = try Self.read(
      #""alpha_pattern":{"q_porj":100}"#, #""rank_pattern":{"o_proj":2,"layers.1.q_proj":2}"#)
    #expect(both.tableNotes(modules).count == 2)
    for table in [#"{"q_proj":100}"#, #"{"^model\\.layers\\.0\\.self_attn\\.q_proj":100}"#, "{}"] {
      #expect(try Self.read(#""alpha_pattern":\#(table)"#).tableNotes(modules).isEmpty)
    }
  }

  /// Before version 0.14 PEFT looked up the first key of both tables that fits in both of them
  /// (`next(filter(…chain(rank_pattern, alpha_pattern)))`, its issue 2194).
  @Test func tablesOfOlderVersionsAreToldByTheirRanks() throws {
    let query = "model.layers.0.self_attn.q_proj"
    let tables = [
      #""rank_pattern":{"q_proj":4}"#, #""alpha_pattern":{"layers.0.self_attn.q_proj":64}"#,
    ]
    let configuration = try Self.read(tables[0], tables[1])
    #expect(configuration.scale(of: query) == 16)
    // The rank is the same by both rules, the scale is not.
    let notes = configuration.tableNotes([query])
    #expect(notes.count == 1 && notes.first?.contains("scale 4.0") == true, "\(notes)")
    #expect(
      try Self.read(tables[0], tables[1], #""peft_version":"0.18.0""#).tableNotes([query]) == [])
    // Here the ranks tell: the older rule wanted a dot in front, so that a whole name was none.
    let whole = try Self.read(
      #""rank_pattern":{"\#(query)":4}"#, #""alpha_pattern":{"q_proj":64}"#)
    #expect(whole.fitting([(query, 4)]).scale(of: query) == 16)
    let older = whole.fitting([(query, 8)])
    #expect(older.rank(of: query) == 8 && older.scale(of: query) == 8)
    #expect(older.tableNotes([query]).contains { $0.contains("older PEFT") })
  }
}
