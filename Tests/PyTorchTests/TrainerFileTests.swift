import Testing
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport

/// What trainers save beside the weights does not hinder, and is not dropped in silence.
struct TrainerFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(
    _ pickle: PickleBuilder, _ selection: TensorSelection = .model
  ) throws -> PyTorchFile {
    let values = [UInt8](0..<48)
    let file = TorchFileBuilder(pickle: pickle.bytes, storages: [("0", values)])
    return try PyTorchFile(path: folder.write(file.bytes, to: "x.pt"), selection: selection)
  }

  /// `{"model": {"x": tensor, "y": tensor}, "other": …}`.
  private func trainer(
    model: String = "model", _ other: (inout PickleBuilder) -> Void
  ) -> PickleBuilder {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    pickle.text("other")
    other(&pickle)
    pickle.text(model)
    pickle.op("}")
    pickle.op("(")
    for name in ["x", "y"] {
      pickle.text(name)
      tensor(&pickle)
    }
    pickle.op("u")
    pickle.op("u")
    pickle.op(".")
    return pickle
  }

  private func tensor(_ pickle: inout PickleBuilder) {
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [3], stride: [1])
  }

  // Names as Python 3.11, torch 2.15, NumPy 2, transformers 5.23 and omegaconf 2.3 write them.
  @Test(arguments: [
    ("argparse", "Namespace"), ("types", "SimpleNamespace"), ("collections", "deque"),
    ("datetime", "timezone"), ("copy_reg", "_reconstructor"), ("__builtin__", "xrange"),
    ("_io", "BytesIO"), ("numpy", "float32"), ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy.random._pickle", "__randomstate_ctor"),
    ("torch", "device"), ("torch._C", "Generator"), ("torch.serialization", "_get_layout"),
    ("omegaconf.dictconfig", "DictConfig"), ("omegaconf.base", "ContainerMetadata"),
    ("transformers.training_args", "TrainingArguments"), ("pathlib._local", "PosixPath"),
    ("deepspeed.runtime.fp16.loss_scaler", "DynamicLossScaler"),
  ])
  func leftoversAreNotBuilt(module: String, name: String) throws {
    let file = try open(
      trainer { pickle in
        // Called, given a state, items and elements.
        pickle.global(module, name)
        pickle.raw(Array("(K\u{1}tRK\u{2}bK\u{1}K\u{2}sK\u{3}a".utf8))
      }, .everything)
    #expect(file.tensors.map(\.name) == ["model.x", "model.y"])
    #expect(file.notes.isEmpty)
  }

  @Test(arguments: [
    ("functools", "partial"), ("torch.storage", "_load_from_bytes"), ("builtins", "getattr"),
    ("__main__", "Config"), ("torch.nn.modules.linear", "Linear"), ("numpy", "load"),
    ("omegaconf", "DictConfig"), ("evil", "AttributeDict"),
  ])
  func namesThatMayRunCodeStayRefused(module: String, name: String) {
    expectError(.refused) { _ = try open(trainer { $0.global(module, name) }) }
  }

  @Test(arguments: ["int4", "bits8", "complex128"])
  func typesThatAreNotReadMayBeMentioned(name: String) throws {
    #expect(try open(trainer { $0.global("torch", name) }).tensors.count == 2)
  }

  @Test(arguments: [
    ("collections", "defaultdict"), ("collections", "Counter"),
    ("lightning.fabric.utilities.data", "AttributeDict"),
    ("pytorch_lightning.utilities.parsing", "AttributeDict"),
  ])
  func tensorsInOtherKindsOfDictionariesAreThere(module: String, name: String) throws {
    let pickle = trainer { pickle in
      pickle.global(module, name)
      pickle.raw(Array(")R".utf8))
      pickle.text("w")
      tensor(&pickle)
      pickle.op("s")
    }
    let file = try open(pickle, .everything)
    #expect(file.tensors.map(\.name) == ["other.w", "model.x", "model.y"])
  }

  @Test(
    arguments: [
      [0x54, 2, 0, 0, 0, 0xFF, 0xFE], [0x55, 1, 0x80], [0x58, 3, 0, 0, 0, 0xED, 0xA0, 0x80],
      [0x28, 0x4B, 1, 0x91],
    ] as [[UInt8]])
  func bytesOfPython2SurrogatesAndFrozenSetsAreLeftOut(opcodes: [UInt8]) throws {
    #expect(try open(trainer { $0.raw(opcodes) }).tensors.count == 2)
  }

  @Test func aTextOfPython2HasASignedLength() {
    expectError(.malformed) {
      _ = try open(trainer { $0.raw([0x54, 0xFF, 0xFF, 0xFF, 0xFF]) })
    }
  }

  @Test(arguments: ["model", "state_dict", "module", "model_state_dict"])
  func theModelIsFoundBesideSingleTensors(key: String) throws {
    // As with the loss that nanoGPT and PyTorch's tutorial save.
    let file = try open(trainer(model: key) { tensor(&$0) })
    #expect(file.tensors.map(\.name) == ["x", "y"])
    #expect(file.notes.count == 1)
  }

  @Test func aModelWithSomethingNestedIsItself() throws {
    var pickle = PickleBuilder()
    pickle.raw(Array("}(".utf8))
    for name in ["a", "b"] {
      pickle.text(name)
      tensor(&pickle)
    }
    pickle.text("model")
    pickle.raw(Array("}(".utf8))
    pickle.text("c")
    tensor(&pickle)
    pickle.raw(Array("uu.".utf8))
    let file = try open(pickle)
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.notes.count == 1)
  }

  @Test func tensorsThatHaveNoNameAreCounted() throws {
    let pickle = trainer { pickle in
      // {None: tensor}, then a Namespace with a tensor in its state.
      pickle.raw(Array("]}N".utf8))
      tensor(&pickle)
      pickle.raw(Array("sa".utf8))
      pickle.global("argparse", "Namespace")
      pickle.raw(Array(")R}".utf8))
      pickle.text("w")
      tensor(&pickle)
      pickle.raw(Array("sba".utf8))
    }
    let file = try open(pickle, .everything)
    #expect(file.tensors.map(\.name) == ["model.x", "model.y"])
    #expect(file.notes.count == 1)
    #expect(file.notes.first?.contains("2 tensors") == true)
  }

  @Test(arguments: [
    ("model", ["x", "y"]), ("other", ["inner.0.w"]), ("other.inner", ["0.w"]),
    ("other.inner.0", ["w"]), ("other.inner.0.w", ["other.inner.0.w"]),
  ])
  func keysMayBeJoinedByDots(key: String, names: [String]) throws {
    let pickle = trainer { pickle in
      pickle.op("}")
      pickle.text("inner")
      pickle.raw(Array("}K\u{0}}".utf8))
      pickle.text("w")
      tensor(&pickle)
      pickle.raw(Array("sss".utf8))
    }
    #expect(try open(pickle, .member(key)).tensors.map(\.name) == names)
    expectError(.noInput) { _ = try open(pickle, .member(key + ".z")) }
  }
}
