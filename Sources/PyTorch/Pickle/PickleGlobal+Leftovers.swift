/// What trainers leave beside the weights.
extension PickleGlobal {
  /// Whether a name is of plain values of Python, NumPy, or a trainer.
  ///
  /// None is ever built here, so that none can do harm. What runs code of the file's choosing when
  /// PyTorch builds it (`getattr`, `eval`, `functools.partial`, `torch.storage._load_from_bytes`)
  /// is not on the list, and classes of the user's own cannot be.
  static func isLeftover(module: String, name: String) -> Bool {
    let module = sameModules[module] ?? module
    return leftovers[module]?.contains(name) == true
  }

  /// Modules that have, or had, another name.
  private static let sameModules = [
    "__builtin__": "builtins", "copy_reg": "copyreg", "numpy._core.multiarray": "numpy.multiarray",
    "numpy.core.multiarray": "numpy.multiarray", "numpy._core.numeric": "numpy.numeric",
    "numpy.core.numeric": "numpy.numeric", "pathlib._local": "pathlib",
  ]

  private static let leftovers: [String: Set<String>] = [
    "builtins": [
      "int", "long", "float", "complex", "bool", "str", "unicode", "bytes", "bytearray", "list",
      "tuple", "dict", "frozenset", "slice", "range", "xrange", "object", "Ellipsis",
      "NotImplemented",
    ],
    "copyreg": ["_reconstructor"],
    "argparse": ["Namespace"],
    "types": ["SimpleNamespace"],
    "typing": ["Any"],
    "collections": ["deque"],
    "_codecs": ["encode"],
    "_io": ["BytesIO"],
    "datetime": ["datetime", "date", "time", "timedelta", "timezone"],
    "decimal": ["Decimal"],
    "uuid": ["UUID"],
    "pathlib": [
      "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath",
    ],
    "numpy": [
      "dtype", "ndarray", "bool_", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16",
      "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128",
    ],
    "numpy.multiarray": ["scalar", "_reconstruct"],
    "numpy.numeric": ["_frombuffer"],
    "numpy.random._pickle": ["__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"],
    "numpy.random._mt19937": ["MT19937"],
    "numpy.random._pcg64": ["PCG64"],
    "numpy.random.bit_generator": ["SeedSequence", "__pyx_unpickle_SeedSequence"],
    "torch": ["device"],
    "torch._C": ["Generator"],
    "torch.serialization": ["_get_layout"],
    "transformers.models.llama.configuration_llama": ["LlamaConfig"],
    "transformers.generation.configuration_utils": ["GenerationConfig"],
    "transformers.training_args": ["TrainingArguments", "OptimizerNames"],
    "transformers.trainer_utils": [
      "EvaluationStrategy", "FSDPOption", "HubStrategy", "IntervalStrategy", "SaveStrategy",
      "SchedulerType",
    ],
    "transformers.trainer_pt_utils": ["AcceleratorConfig"],
    "accelerate.state": ["PartialState"],
    "accelerate.utils.dataclasses": ["DistributedType"],
    "pytorch_lightning.callbacks.model_checkpoint": ["ModelCheckpoint"],
    "pytorch_lightning.callbacks.early_stopping": ["EarlyStopping"],
    "deepspeed.runtime.fp16.loss_scaler": ["LossScaler", "DynamicLossScaler"],
    "deepspeed.runtime.zero.config": ["ZeroStageEnum"],
    "deepspeed.utils.tensor_fragment": ["fragment_address"],
    "omegaconf.dictconfig": ["DictConfig"],
    "omegaconf.listconfig": ["ListConfig"],
    "omegaconf.base": ["ContainerMetadata", "Metadata"],
    "omegaconf.nodes": [
      "AnyNode", "BooleanNode", "BytesNode", "EnumNode", "FloatNode", "IntegerNode", "PathNode",
      "StringNode",
    ],
  ]
}
