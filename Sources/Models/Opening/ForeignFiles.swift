import WeightmillTensors

/// Files that lie where a model is looked for, and are none that is read: what they are, and which
/// program makes a model of them.
struct ForeignFiles {
  /// The kind, so that "holds …" and "is a part of …" can be said of it.
  let what: String
  /// What the user can do; `FOLDER` stands for the folder.
  private let remedy: String
  /// The names by which they are known; `*` stands for any letters.
  private let patterns: [String]
  private var code = WeightmillError.Code.unsupported
  /// The section of the troubleshooting page.
  private var topic = HelpTopic.trainingFolders

  /// Weights that mean nothing without those of another model.
  private static let xored = ForeignFiles(
    what: "weights that are XORed with the original model's",
    remedy: "decode them with the xor_codec.py of their authors and the original model, and give "
      + "the result",
    patterns: ["*-xor", "*.xor", "xor_*", "*_xor", "*_xor.*", "*-xor.*", "*-xor-*"],
    topic: .xorWeights)

  /// The kinds that people meet, the most telling names first.
  static let known: [ForeignFiles] = [
    xored,
    .init(
      what: "a training's checkpoint of DeepSpeed",
      remedy:
        "run `python zero_to_fp32.py FOLDER OUTPUT`, which DeepSpeed puts beside it, and give "
        + "OUTPUT",
      patterns: [
        "mp_rank_*_model_states.pt", "*zero_pp_rank_*", "zero_to_fp32.py", "global_step*",
        "layer_*model_*states.pt",
      ]),
    .init(
      what: "weights that Accelerate saved under FSDP, in pieces",
      remedy: "run `accelerate merge-weights FOLDER/pytorch_model_fsdp_0 OUTPUT`, and give OUTPUT",
      patterns: ["pytorch_model_fsdp_*"]),
    .init(
      what: "a distributed checkpoint of PyTorch (DCP)",
      remedy: "run `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER "
        + "model.pt`, and give model.pt with config.json and the tokenizer beside it",
      patterns: ["*.distcp", ".metadata"]),
    .init(
      what: "the pieces of each process of a training under FSDP",
      remedy: "let the training program put them together; verl's: `python -m verl.model_merger "
        + "merge --backend fsdp --local_dir FOLDER --target_dir OUTPUT`",
      patterns: ["model_world_size_*_rank_*.pt", "*rank_*_of_*.pt", "*rank-*-of-*.pt"]),
    .init(
      what: "a checkpoint of Megatron",
      remedy: "convert it to Hugging Face's layout with Megatron's tools/checkpoint/convert.py",
      patterns: [
        "latest_checkpointed_iteration.txt", "model_optim_rng.pt", "iter_*", "mp_rank_*",
        "tp_rank_*",
      ]),
    .init(
      what: "an adapter of MLX",
      remedy: "merge it with `mlx_lm.fuse --model BASE --adapter-path FOLDER`, and give the result",
      patterns: ["adapters.safetensors", "adapters.npz", "*_adapters.safetensors"],
      topic: .adapters),
    .init(
      what: "weights under MLX's old names",
      remedy: "start from the model that they were made from, or save them with `mlx_lm.convert "
        + "--dequantize`",
      patterns: ["weights.npz", "weights.*.npz", "weights.*.safetensors", "weights.safetensors"]),
    .init(
      what: "a checkpoint of LitGPT",
      remedy: "run `litgpt convert_from_litgpt FOLDER OUTPUT`, and give OUTPUT with config.json",
      patterns: ["lit_model.pth", "lit_model.*"]),
    .init(
      what: "a checkpoint of NeMo",
      remedy: "export it in Hugging Face's layout with NeMo", patterns: ["*.nemo"]),
    .init(
      what: "a checkpoint of Orbax (JAX)",
      remedy: "export it in Hugging Face's layout with the program that trained it",
      patterns: ["manifest.ocdbt", "ocdbt.process_*", "_CHECKPOINT_METADATA", "_METADATA"]),
    .init(
      what: "weights for Flax or TensorFlow only",
      remedy: "load them in transformers 4 with from_flax=True or from_tf=True, and save the model",
      patterns: ["flax_model*", "tf_model*"]),
    .init(
      what: "a model compiled for another program",
      remedy: "start from the model that it was made from",
      patterns: [
        "*.onnx", "*.onnx_data", "openvino_model.*", "*.engine", "*.mlpackage", "*.tflite",
      ]),
    .init(
      what: "a download that was not finished",
      remedy: "fetch the file again",
      patterns: [
        "*.incomplete", "*.part", "*.partial", "*.crdownload", "*.aria2", "*.download", "*.!qb",
      ], code: .noInput, topic: .incompleteDownload),
    .init(
      what: "the state of a training without the model's weights",
      remedy: "give the folder in which the training saved the model",
      patterns: [
        "trainer_state.json", "optimizer.pt", "optimizer.bin", "optimizer_*", "scheduler.pt",
        "rng_state*.pth", "training_args.bin", "random_states_*.pkl",
      ], code: .noInput),
  ]

  private init(
    what: String, remedy: String, patterns: [String], code: WeightmillError.Code = .unsupported,
    topic: HelpTopic = .trainingFolders
  ) {
    self.what = what
    self.remedy = remedy
    self.patterns = patterns
    self.code = code
    self.topic = topic
  }

  /// The error for a folder that holds such files in a model's place; `nil` if it holds none.
  static func error(in folder: Folder) -> WeightmillError? {
    for kind in known {
      guard let name = folder.names.first(where: kind.matches) else { continue }
      return kind.error(folder.path, "holds \(kind.what) (\(quoted(name)))", folder: folder.path)
    }
    return nil
  }

  /// The error for a file that is one of them by its name; `nil` if it is none.
  static func error(ofFile path: String) -> WeightmillError? {
    let (name, folder) = (InputPath(path).name, InputPath(path).folder)
    // XORed weights have the names of others; the folder says what they are.
    let isXored = xored.matches(InputPath(folder).name)
    guard let kind = isXored ? xored : known.first(where: { $0.matches(name) }) else {
      return nil
    }
    return kind.error(path, "is a part of \(kind.what)", folder: folder)
  }

  private func error(_ path: String, _ problem: String, folder: String) -> WeightmillError {
    let parts = remedy.split(separator: "FOLDER", omittingEmptySubsequences: false)
    return WeightmillError(
      code, path, problem, remedy: topic.after(parts.joined(separator: folder)))
  }

  private func matches(_ name: String) -> Bool {
    let name = name.lowercased()
    return patterns.contains { Self.matches(name[...], $0.lowercased()[...]) }
  }

  /// Whether a name is of a pattern in which `*` stands for any letters.
  private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last, parts.count > 1 else {
      return name == pattern
    }
    guard name.hasPrefix(first) else { return false }
    var rest = name.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.hasSuffix(last)
  }
}
