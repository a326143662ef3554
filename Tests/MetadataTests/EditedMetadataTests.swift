import Testing
import WeightmillGGUF
import WeightmillMetadata
import WeightmillTensors
import WeightmillTestSupport

/// Changes of metadata in memory.
struct EditedMetadataTests {
  private func set(_ argument: String) throws -> MetadataEdit {
    .set(try MetadataEdit.Assignment(argument))
  }

  private func edited(_ edits: MetadataEdit..., to metadata: GGUFMetadata = SampleFile.metadata)
    throws -> EditedMetadata
  {
    try EditedMetadata(edits, to: metadata, path: "x.gguf")
  }

  @Test func aKeyKeepsItsTypeAndItsPlace() throws {
    let edited = try edited(set("my.key=-9"), set("general.name=b=c:d"))
    #expect(edited.metadata["my.key"] == .int16(-9))
    #expect(edited.metadata["general.name"] == .string("b=c:d"))
    #expect(edited.metadata.entries.map(\.key) == SampleFile.metadata.entries.map(\.key))
    #expect(edited.changes.map(\.key) == ["general.name", "my.key"])
    #expect(edited.changes[0].before == .string("Sample"))
  }

  @Test func newKeysHaveTheTypeInWhichTheyAreRead() throws {
    let edited = try edited(
      set("llama.rope.freq_base=10000"), set("tokenizer.ggml.add_bos_token=false"),
      set(#"general.tags=["a"]"#), set("general.base_model.0.name=Base"),
      set("general.sampling.top_k=40"), set("tokenizer.ggml.padding_token_id=0"))
    #expect(edited.metadata["llama.rope.freq_base"] == .float32(10000))
    #expect(edited.metadata["tokenizer.ggml.add_bos_token"] == .bool(false))
    #expect(edited.metadata["general.tags"] == .strings(["a"]))
    #expect(edited.metadata["general.base_model.0.name"] == .string("Base"))
    #expect(edited.metadata["general.sampling.top_k"] == .int32(40))
    #expect(edited.metadata["tokenizer.ggml.padding_token_id"] == .uint32(0))
    // New ones come last, in the order in which they were given.
    #expect(edited.metadata.entries.last?.key == "tokenizer.ggml.padding_token_id")
  }

  @Test func aTypeThatLlamaCppDoesNotReadIsMended() throws {
    var metadata = SampleFile.metadata
    metadata["llama.context_length"] = .uint64(64)
    let edited = try edited(set("llama.context_length=4096"), to: metadata)
    #expect(edited.metadata["llama.context_length"] == .uint32(4096))
    #expect(edited.notes == ["llama.context_length was of type u64 and becomes u32"])
  }

  @Test func unknownKeysNeedAType() throws {
    let error = expectError(.usage) { _ = try edited(set("some.key=1")) }
    #expect(error?.description.contains("some.key=TYPE:VALUE") == true)
    #expect(try edited(set("some.key=u64:1")).metadata["some.key"] == .uint64(1))
    #expect(
      try edited(set("some.key=[bool]:[true]")).metadata["some.key"] == .array(.bool, [.bool(true)])
    )
    // A type may be changed by saying it.
    #expect(try edited(set("my.key=f64:1.5")).metadata["my.key"] == .float64(1.5))
    // What is no type is part of the text.
    #expect(
      try edited(set("general.url=https://a.b")).metadata["general.url"] == .string("https://a.b"))
    #expect(try edited(set("general.name=str:u8:1")).metadata["general.name"] == .string("u8:1"))
  }

  @Test func valuesAreReadFromFiles() throws {
    let folder = try TemporaryFolder()
    let text = "{%- for m in messages %}\n{{ m }}\n"
    let path = try folder.write(text.utf8, to: "t.jinja")
    let list = try folder.write(#"["x", "y"]"#.utf8, to: "tags.json")
    let edited = try edited(
      set("tokenizer.chat_template=@\(path)"), set("general.tags=@\(list)"),
      set("general.description=@@me"), set("a.b=[str]:@\(list)"))
    #expect(edited.metadata["tokenizer.chat_template"] == .string(text))
    #expect(edited.metadata["general.tags"] == .strings(["x", "y"]))
    #expect(edited.metadata["general.description"] == .string("@me"))
    #expect(edited.metadata["a.b"] == .strings(["x", "y"]))
    expectError(.noInput) { _ = try set("general.name=@\(folder("none"))") }
    let bytes = try folder.write([0xFF, 0xFE], to: "binary")
    expectError(.malformed) { _ = try set("general.name=@\(bytes)") }
  }

  @Test func elementsOfArraysAreSet() throws {
    let edited = try edited(
      set("tokenizer.ggml.tokens[3]=<|im_end|>"), set("tokenizer.ggml.token_type[3]=3"),
      .special(try #require(.named("eot")), text: "<|im_end|>"))
    #expect(edited.metadata["tokenizer.ggml.tokens"]?.array?[3] == .string("<|im_end|>"))
    #expect(edited.metadata["tokenizer.ggml.token_type"]?.array?[3] == .int32(3))
    #expect(edited.metadata["tokenizer.ggml.eot_token_id"] == .uint32(3))
    #expect(edited.notes.isEmpty)
    expectError(.usage) { _ = try self.edited(set("tokenizer.ggml.tokens[4]=x")) }
    expectError(.usage) { _ = try self.edited(set("tokenizer.ggml.token_type[0]=x")) }
    expectError(.usage) { _ = try self.edited(set("tokenizer.ggml.token_type[0]=u8:1")) }
    expectError(.usage) {
      _ = try self.edited(set("general.tags=[]"), set("general.tags=[]"))
    }
    expectError(.usage) {
      _ = try self.edited(set("tokenizer.ggml.tokens[0]=a"), set("tokenizer.ggml.tokens[0]=b"))
    }
  }

  @Test func specialTokensAreChosenByTextOrNumber() throws {
    let eos = try #require(SpecialTokenRole.named("eos"))
    let pad = try #require(SpecialTokenRole.named("pad"))
    let edited = try edited(.special(eos, text: "a"), .specialID(pad, 0))
    #expect(edited.metadata["tokenizer.ggml.eos_token_id"] == .uint32(3))
    #expect(edited.metadata["tokenizer.ggml.padding_token_id"] == .uint32(0))
    // Neither is a control token.
    #expect(edited.notes.count == 2)
    #expect(SpecialTokenRole.named("seperator")?.key == "tokenizer.ggml.seperator_token_id")
    expectError(.noInput) { _ = try self.edited(.special(eos, text: "b")) }
    expectError(.usage) { _ = try self.edited(.specialID(eos, 4)) }
    var twice = SampleFile.metadata
    twice["tokenizer.ggml.tokens"] = .strings(["a", "a", "b", "c"])
    let error = expectError(.usage) { _ = try self.edited(.special(eos, text: "a"), to: twice) }
    #expect(error?.description.contains("0 and 1") == true)
    twice["tokenizer.ggml.tokens"] = nil
    expectError(.unsupported) { _ = try self.edited(.specialID(eos, 0), to: twice) }
  }

  @Test func keysGoAndGetOtherNames() throws {
    let edited = try edited(
      .remove("general.name"), .rename("my.key", to: "general.name"), .remove("tokenizer.ggml.*"))
    #expect(edited.metadata["general.name"] == .int16(7))
    #expect(edited.metadata["my.key"] == nil)
    #expect(!edited.metadata.entries.contains { $0.key.hasPrefix("tokenizer.ggml.") })
    // Its place is that of the old name.
    let keys = edited.metadata.entries.map(\.key)
    #expect(keys.suffix(3) == ["general.name", "weightmill.version", "weightmill.plan.sha256"])
    let renamed = try #require(edited.changes.first { $0.key == "general.name" })
    #expect(renamed.oldKey == "my.key" && renamed.before == .int16(7))
    expectError(.noInput) { _ = try self.edited(.remove("none")) }
    expectError(.noInput) { _ = try self.edited(.remove("none*")) }
    expectError(.noInput) { _ = try self.edited(.rename("none", to: "x")) }
    expectError(.usage) { _ = try self.edited(.rename("my.key", to: "general.name")) }
    expectError(.usage) { _ = try self.edited(.rename("my.key", to: "")) }
  }

  @Test func theArchitectureTakesItsKeysAlong() throws {
    let edited = try edited(set("general.architecture=qwen2"), set("qwen2.rope.freq_base=5"))
    let keys = edited.metadata.entries.map(\.key)
    #expect(!keys.contains { $0.hasPrefix("llama.") })
    #expect(edited.metadata["qwen2.block_count"] == .uint32(1))
    #expect(edited.metadata["qwen2.rope.freq_base"] == .float32(5))
    #expect(keys.firstIndex(of: "qwen2.block_count") == 2)
    #expect(edited.notes == [#"6 keys that begin with "llama." begin with "qwen2." now"#])
    var both = SampleFile.metadata
    both["qwen2.block_count"] = .uint32(9)
    expectError(.usage) { _ = try self.edited(set("general.architecture=qwen2"), to: both) }
  }

  /// The record of where weights come from is true as a whole, or not there.
  @Test func provenanceIsNotChangedByHand() throws {
    for edits: [MetadataEdit] in [
      [try set("weightmill.version=9")], [.remove("weightmill.version")],
      [.rename("my.key", to: "weightmill.key")], [.rename("weightmill.version", to: "a")],
      [.remove("weightmill.plan*")], [.remove("w*")], [.remove("*")],
    ] {
      expectError(.usage) {
        _ = try EditedMetadata(edits, to: SampleFile.metadata, path: "x.gguf")
      }
    }
    let edited = try edited(.remove("weightmill.*"))
    #expect(edited.changes.count == 2)
    #expect(edited.metadata.entries.count == SampleFile.metadata.entries.count - 2)
  }

  @Test func keysOfSplittingAreLeftAlone() throws {
    var part = SampleFile.metadata
    part["split.count"] = .uint16(2)
    expectError(.usage) { _ = try edited(set("split.count=3"), to: part) }
    expectError(.usage) { _ = try edited(.remove("split.*"), to: part) }
    expectError(.usage) { _ = try edited(.remove("split.count"), to: part) }
  }

  @Test(arguments: ["x", "=1", ""]) func whatIsNoAssignmentIsRefused(argument: String) {
    expectError(.usage) { _ = try MetadataEdit.Assignment(argument) }
  }
}
