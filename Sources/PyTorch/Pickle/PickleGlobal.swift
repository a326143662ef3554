import Tensors

/// The only names a pickle may mention, compared as whole (module, name) pairs.
///
/// Nothing here is ever looked up or called: each is a token that the interpreter knows the
/// meaning of. Rule PK-03 of `formats/pytorch.md`.
enum PickleGlobal: Equatable {
  case orderedDict
  case size
  case device
  case set
  case rebuildTensor
  case rebuildTensorV2
  case rebuildParameter
  case parameter
  case storage(TensorType)
  case dtype

  /// Whether a name is one that torch's own safe loader knows: nothing hostile, but not read.
  static func isHarmless(module: String, name: String) -> Bool {
    switch (module, name) {
    case ("torch._utils", "_rebuild_tensor_v3"), ("torch._utils", "_rebuild_qtensor"),
      ("torch._utils", "_rebuild_sparse_tensor"),
      ("torch._utils", "_rebuild_meta_tensor_no_storage"),
      ("torch._utils", "_rebuild_parameter_with_state"),
      ("torch._utils", "_rebuild_wrapper_subclass"), ("torch._tensor", "_rebuild_from_type_v2"),
      ("torch.storage", "UntypedStorage"), ("torch.storage", "TypedStorage"),
      // What trainers leave in checkpoints.
      ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
      ("numpy", "dtype"), ("argparse", "Namespace"), ("_codecs", "encode"),
      ("torch", "ComplexFloatStorage"), ("torch", "ComplexDoubleStorage"),
      ("torch", "QInt8Storage"), ("torch", "QUInt8Storage"), ("torch", "QInt32Storage"):
      true
    default: false
    }
  }

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch", "Size"): self = .size
    case ("torch", "device"): self = .device
    case ("builtins", "set"), ("__builtin__", "set"): self = .set
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch.nn.parameter", "Parameter"): self = .parameter
    case ("torch", "DoubleStorage"): self = .storage(.f64)
    case ("torch", "FloatStorage"): self = .storage(.f32)
    case ("torch", "HalfStorage"): self = .storage(.f16)
    case ("torch", "BFloat16Storage"): self = .storage(.bf16)
    case ("torch", "LongStorage"): self = .storage(.i64)
    case ("torch", "IntStorage"): self = .storage(.i32)
    case ("torch", "ShortStorage"): self = .storage(.i16)
    case ("torch", "CharStorage"): self = .storage(.i8)
    case ("torch", "ByteStorage"): self = .storage(.u8)
    case ("torch", "BoolStorage"): self = .storage(.bool)
    case ("torch", "float64"), ("torch", "float32"), ("torch", "float16"), ("torch", "bfloat16"),
      ("torch", "int64"), ("torch", "int32"), ("torch", "int16"), ("torch", "int8"),
      ("torch", "uint8"), ("torch", "bool"):
      self = .dtype
    default: return nil
    }
  }
}
