import Foundation
import Testing
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What lies where a model is looked for is named, with the program or the command that makes a model
/// of it.
struct ForeignFilesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func problem(
    _ code: WeightmillError.Code, _ path: String, sourceLocation: SourceLocation = #_sourceLocation
  ) -> String {
    expectError(code, sourceLocation: sourceLocation) { _ = try ModelLoader.load(path) }?
      .description ?? ""
  }

  @Test(arguments: [
    (["pytorch_model-00001-of-00007.bin-xor"], "XORed", "xor_codec.py"),
    (["model.safetensors.xor"], "XORed", "xor_codec.py"),
    (["xor_encoded_files"], "XORed", "xor_codec.py"),
    (["mp_rank_00_model_states.pt"], "DeepSpeed", "zero_to_fp32.py"),
    (["bf16_zero_pp_rank_3_mp_rank_00_optim_states.pt"], "DeepSpeed", "zero_to_fp32.py"),
    (["latest", "zero_to_fp32.py", "global_step500"], "DeepSpeed", "zero_to_fp32.py"),
    ([".metadata", "__0_0.distcp"], "DCP", "dcp_to_torch"),
    (["pytorch_model_fsdp_0", "optimizer_0"], "FSDP", "accelerate merge-weights"),
    (["model_world_size_8_rank_0.pt"], "FSDP", "verl.model_merger"),
    (["latest_checkpointed_iteration.txt", "iter_0000100"], "Megatron", "convert"),
    (["weights.npz"], "MLX", "mlx_lm"), (["weights.00.safetensors"], "MLX", "mlx_lm"),
    (["adapters.safetensors"], "adapter of MLX", "mlx_lm.fuse"),
    (["lit_model.pth"], "LitGPT", "convert_from_litgpt"),
    (["flax_model-00001-of-00002.msgpack"], "Flax", "from_flax"),
    (["model.onnx"], "compiled", "the model that it was made from"),
  ])
  func foldersOfOtherProgramsAreNamed(names: [String], what: String, remedy: String) throws {
    for name in names + ["config.json"] { try folder.write("{}".utf8, to: name) }
    let said = problem(.unsupported, folder.path)
    #expect(said.contains(what) && said.contains(remedy), "\(said)")
  }

  @Test(arguments: [
    (["model.safetensors.incomplete"], "not finished"),
    (["trainer_state.json", "optimizer.pt", "rng_state_0.pth"], "state of a training"),
    (["config.json", "tokenizer.model"], "holds config.json, but no weights"),
    (["weird.safetensors"], "give the file itself"), (["ziya-f16.gguf"], "give the file itself"),
  ])
  func foldersWithoutAModelAreNamed(names: [String], what: String) throws {
    for name in names { try folder.write("{}".utf8, to: name) }
    let said = problem(.noInput, folder.path)
    #expect(said.contains(what), "\(said)")
  }

  @Test func filesOfOtherProgramsAreNamed() throws {
    let noise = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    for (name, words) in [
      ("pytorch_model-00001-of-00007.bin-xor", "XORed"), ("__0_0.distcp", "DCP"),
      ("weights.npz", "MLX"), ("llama-30b-xor/pytorch_model-00001-of-00007.bin", "XORed"),
    ] {
      let said = problem(.unsupported, try folder.write(noise, to: name))
      #expect(said.contains(words), "\(said)")
    }
    for magic in ["lmgg", "fmgg", "tjgg"] {
      let said = problem(.unsupported, try folder.write(Array(magic.utf8) + noise, to: "ggml.bin"))
      #expect(said.contains("before GGUF"))
    }
  }

  @Test func aModelOfAnotherKindIsNamedByItsConfiguration() throws {
    var model = SmallModel()
    model.storedName = { "gpt_neox." + $0.replacing("norm", with: "ln") }
    model.fields["model_type"] = "\"gpt_neox\""
    try model.write(to: folder, "x")
    let text = String(decoding: try Fixtures.bytes(folder("x/config.json")), as: UTF8.self)
    try folder.write(
      text.replacing("\"model_type\":\"llama\",", with: "").utf8, to: "x/config.json")
    let said = problem(.unsupported, folder("x"))
    #expect(said.contains("is of model type \"gpt_neox\""), "\(said)")
  }

  @Test func anUnfinishedShardIsNamed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "B")
    let shard = "\(copy)/model-00002-of-00002.safetensors"
    try FileManager.default.moveItem(atPath: shard, toPath: shard + ".incomplete")
    let said = problem(.noInput, copy)
    #expect(said.contains("a download that was not finished"), "\(said)")
    try FileManager.default.moveItem(atPath: shard + ".incomplete", toPath: shard + ".part1of2")
    #expect(problem(.noInput, copy).contains("pieces of it are"))
  }

  @Test func XORedShardsAreNamedByTheirFolder() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "llama-30b-xor")
    let noise = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    try folder.write(noise, to: "llama-30b-xor/model-00001-of-00002.safetensors")
    #expect(problem(.unsupported, copy).contains("XORed"))
  }

  @Test func aFileThatIsADanglingLinkIsNamed() throws {
    let path = try SmallModel().write(to: folder, "x")
    try FileManager.default.removeItem(atPath: "\(path)/model.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/model.safetensors", withDestinationPath: "../nothing")
    #expect(problem(.noInput, path).contains("is a link that leads nowhere, to \"../nothing\""))
  }

  @Test(arguments: [
    ["checkpoint-500"], ["checkpoint-500", "checkpoint-1000"], ["7B"], ["snapshots/0123abcd"],
  ])
  func aModelInsideIsPointedAt(inner: [String]) throws {
    for name in inner { try SmallModel().write(to: folder, "run/\(name)") }
    try folder.write("{}".utf8, to: "run/trainer_state.json")
    let said = problem(.noInput, folder("run"))
    #expect(said.contains("give that: \(folder("run"))/\(inner[inner.count - 1])"), "\(said)")
  }

  @Test func anAdapterInsideIsPointedAt() throws {
    try AdapterBuilder().write(to: folder, "run/checkpoint-9")
    let said = problem(.noInput, folder("run"))
    #expect(said.contains("--lora \(folder("run"))/checkpoint-9"), "\(said)")
  }

  // MARK: Pieces

  @Test(arguments: [
    ["x.gguf.part1of2", "x.gguf.part2of2"], ["x.gguf-split-a", "x.gguf-split-b"],
    ["x.gguf.001", "x.gguf.002"], ["x.gguf.aa", "x.gguf.ab"], ["x.gguf.part-0", "x.gguf.part-1"],
    ["model.safetensors.partaa", "model.safetensors.partab"],
    ["pytorch_model.bin.chunk1", "pytorch_model.bin.chunk2"],
  ])
  func piecesAreNamedWithTheCommand(names: [String]) throws {
    let name = try #require(names.first)
    let whole =
      name.hasPrefix("x")
      ? "x.gguf" : name.prefix { $0 != "." } + "." + name.split(separator: ".")[1]
    let bytes = try Fixtures.bytes(
      SmallModel().write(to: folder, "small") + "/model.safetensors")
    try folder.write(bytes[..<(bytes.count / 2)], to: "cut/\(names[0])")
    try folder.write(bytes[(bytes.count / 2)...], to: "cut/\(names[1])")
    let (first, second) = (folder("cut/\(names[0])"), folder("cut/\(names[1])"))
    let command = "`cat \(first) \(second) > \(folder("cut"))/\(whole)`"
    for path in [first, second] {
      let said = problem(.noInput, path)
      #expect(said.contains("is a piece of \(whole)") && said.contains(command), "\(said)")
    }
    #expect(problem(.noInput, folder("cut")).contains(command))
    #expect(problem(.noInput, folder("cut/\(whole)")).contains("is not there, but pieces of it"))
  }

  @Test func manyPiecesAreInOrder() throws {
    for number in 1...12 { try folder.write([0, 1], to: "x.gguf.part\(number)of12") }
    let said = problem(.noInput, folder("x.gguf"))
    #expect(said.contains("x.gguf.part1of12 … "), "\(said)")
    #expect(said.contains("x.gguf.part12of12 > "), "\(said)")
  }

  @Test func aWholeFileUnderAPiecesNameIsRead() throws {
    let path = try SmallModel().write(to: folder, "small")
    try FileManager.default.moveItem(
      atPath: "\(path)/model.safetensors", toPath: "\(path)/model.safetensors.part1")
    #expect(try Checkpoint(path: "\(path)/model.safetensors.part1").layout == .safetensorsFile)
  }

  @Test func safetensorsFilesBehindEachOtherAreNamed() throws {
    let path = try SmallModel().write(to: folder, "small")
    let bytes = try Fixtures.bytes("\(path)/model.safetensors")
    try folder.write(bytes + bytes, to: "small/model.safetensors")
    #expect(problem(.malformed, path).contains("put together with cat"))
    try folder.write(bytes + [1, 2, 3], to: "small/model.safetensors")
    #expect(problem(.malformed, path).contains("3 bytes after the last tensor"))
  }

  // MARK: Folders as files, files as folders

  @Test(arguments: ["model.safetensors.index.json", "config.json", "tokenizer.model"])
  func aSmallFileInTheModelsPlaceIsNamed(name: String) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "B")
    let said = problem(.malformed, "\(copy)/\(name)")
    #expect(said.contains("give its folder, \(copy)"), "\(said)")
  }

  @Test(arguments: [true, false])
  func aFolderWithTheNameOfAFileIsOpened(isSharded: Bool) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "B")
    let inner = "\(copy)/\(isSharded ? "model.safetensors" : "pytorch_model.bin")"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: copy)
    where name.hasPrefix("model") && name != "model.safetensors" {
      try FileManager.default.moveItem(atPath: "\(copy)/\(name)", toPath: "\(inner)/\(name)")
    }
    let model = try ModelLoader.load(copy)
    #expect(model.notes.contains { $0.contains("is a folder, as zero_to_fp32.py makes one") })
    let plain = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    #expect(model.llama.catalogue.tensors == plain.llama.catalogue.tensors)
    #expect(model.files.contains { $0.hasPrefix(inner + "/") })
  }

  @Test func aFolderThatIsALinkToItselfEnds() throws {
    let path = try SmallModel().write(to: folder, "x")
    try FileManager.default.removeItem(atPath: "\(path)/model.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/model.safetensors", withDestinationPath: ".")
    #expect(throws: WeightmillError.self) { _ = try Checkpoint(path: path) }
  }

  // MARK: Two sources

  @Test func oneFileIsUsedBeforeOldShards() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "B")
    let sharded = try Checkpoint(path: copy)
    let small = try SmallModel().write(to: folder, "small")
    try FileManager.default.copyItem(
      atPath: "\(small)/model.safetensors", toPath: "\(copy)/model.safetensors")
    let checkpoint = try Checkpoint(path: copy)
    #expect(checkpoint.catalogue.tensors.count != sharded.catalogue.tensors.count)
    #expect(
      checkpoint.notes == [
        "the folder holds weights more than once: model.safetensors is used, as transformers does, "
          + "not model.safetensors.index.json (more: docs/troubleshooting.md#two-sources)"
      ])
  }

  @Test func anIndexOfOneFileIsNoSecondSource() throws {
    let path = try SmallModel().write(to: folder, "x")
    let names = try Checkpoint(path: path).catalogue.tensors.map {
      "\"\($0.name)\":\"model.safetensors\""
    }
    try folder.write(
      "{\"weight_map\":{\(names.joined(separator: ","))}}".utf8,
      to: "x/model.safetensors.index.json")
    #expect(try Checkpoint(path: path).notes.isEmpty)
  }

  @Test func safetensorsAreUsedBeforeBinFiles() throws {
    let path = try SmallModel().write(to: folder, "x")
    try folder.write([1, 2, 3], to: "x/pytorch_model.bin")
    try folder.write("no JSON".utf8, to: "x/pytorch_model.bin.index.json")
    let notes = try Checkpoint(path: path).notes
    #expect(
      notes.count == 1
        && notes[0].contains(
          "not pytorch_model.bin or pytorch_model.bin.index.json")
    )
  }

  @Test func theIndexOfAnotherShardingIsNamed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "B")
    for number in 1...2 {
      let name = "\(copy)/model-0000\(number)-of-0000"
      try FileManager.default.moveItem(
        atPath: "\(name)2.safetensors", toPath: "\(name)3.safetensors")
    }
    let said = problem(.mismatch, copy)
    #expect(said.contains("is the index of another sharding"), "\(said)")
    #expect(said.contains("model-00001-of-00002") && said.contains("model-00001-of-00003"))
  }
}
