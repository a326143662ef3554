import Tensors

/// The only names a pickle may mention, compared as whole (module, name) pairs.
///
/// Nothing here is ever looked up or called: each is a token that the interpreter knows the
/// meaning of. Rule PK-03 of `formats/pytorch.md`.
enum PickleGlobal: Equatable {
  case orderedDict
  case size
  case set
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildParameter
  case rebuildParameterWithState
  case rebuildFromType
  case parameter
  /// A class of which `_rebuild_from_type_v2` makes tensors.
  case tensorClass
  /// The class of a storage: of values of one type, or of bytes of no type yet.
  case storage(TensorType?)
  /// A type of values; `nil` for one that is not read.
  case dtype(TensorType?)
  /// A class or function whose values trainers leave beside the weights: they are not built.
  case leftover

  init?(module: String, name: String) {
    let global: PickleGlobal? =
      switch (module, name) {
      case ("collections", "OrderedDict"): .orderedDict
      case ("builtins", "set"), ("__builtin__", "set"): .set
      case ("torch", _): Self.torch(name)
      case ("torch._utils", "_rebuild_tensor"): .rebuildTensor
      case ("torch._utils", "_rebuild_tensor_v2"): .rebuildTensorV2
      case ("torch._utils", "_rebuild_tensor_v3"): .rebuildTensorV3
      case ("torch._utils", "_rebuild_parameter"): .rebuildParameter
      case ("torch._utils", "_rebuild_parameter_with_state"): .rebuildParameterWithState
      case ("torch._tensor", "_rebuild_from_type_v2"): .rebuildFromType
      case ("torch.nn.parameter", "Parameter"): .parameter
      case ("torch.storage", "UntypedStorage"): .storage(nil)
      default: Self.isLeftover(module: module, name: name) ? .leftover : nil
      }
    guard let global else { return nil }
    self = global
  }

  private static func torch(_ name: String) -> PickleGlobal? {
    if name == "Size" { return .size }
    if name == "Tensor" { return .tensorClass }
    if name == "device" { return .leftover }
    if let type = storages[name] { return .storage(type) }
    if let type = types[name] { return .dtype(type) }
    return otherTypes.contains(name) ? .dtype(nil) : nil
  }

  private static let storages: [String: TensorType] = [
    "DoubleStorage": .f64, "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16,
    "LongStorage": .i64, "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8,
    "ByteStorage": .u8, "BoolStorage": .bool, "ComplexFloatStorage": .c64,
  ]

  private static let types: [String: TensorType] = [
    "float64": .f64, "double": .f64, "float32": .f32, "float": .f32, "float16": .f16,
    "half": .f16, "bfloat16": .bf16, "int64": .i64, "long": .i64, "int32": .i32, "int": .i32,
    "int16": .i16, "short": .i16, "int8": .i8, "uint8": .u8, "uint16": .u16, "uint32": .u32,
    "uint64": .u64, "bool": .bool, "complex64": .c64, "cfloat": .c64,
    "float8_e4m3fn": .f8e4m3, "float8_e5m2": .f8e5m2, "float8_e4m3fnuz": .f8e4m3fnuz,
    "float8_e5m2fnuz": .f8e5m2fnuz, "float8_e8m0fnu": .f8e8m0,
  ]

  /// Types that may be mentioned, for example in a configuration, but of which no tensor is read.
  private static let otherTypes: Set<String> = [
    "complex32", "complex128", "qint8", "quint8", "qint32", "quint4x2", "quint2x4",
    "float4_e2m1fn_x2",
  ]

  /// Whether a name is of tensors that torch's own safe loader knows, but which are not read.
  static func isUnreadTensor(module: String, name: String) -> Bool {
    switch (module, name) {
    case ("torch._utils", "_rebuild_qtensor"), ("torch._utils", "_rebuild_sparse_tensor"),
      ("torch._utils", "_rebuild_sparse_csr_tensor"), ("torch._utils", "_rebuild_nested_tensor"),
      ("torch._utils", "_rebuild_meta_tensor_no_storage"),
      ("torch._utils", "_rebuild_wrapper_subclass"),
      ("torch._utils", "_rebuild_device_tensor_from_numpy"),
      ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
      ("torch.storage", "TypedStorage"), ("torch", "ComplexDoubleStorage"),
      ("torch", "QInt8Storage"), ("torch", "QUInt8Storage"), ("torch", "QInt32Storage"),
      ("torch", "QUInt4x2Storage"), ("torch", "QUInt2x4Storage"), ("torch", "per_tensor_affine"),
      ("torch", "per_channel_affine"), ("torch.serialization", "_get_layout"):
      true
    default: false
    }
  }

  /// Plain values of Python and NumPy: making one would run no code of the file's choosing, and
  /// none is made.
  private static func isLeftover(module: String, name: String) -> Bool {
    switch (module, name) {
    case ("argparse", "Namespace"), ("collections", "Counter"), ("collections", "defaultdict"),
      ("_codecs", "encode"), ("numpy", "dtype"), ("numpy", "ndarray"),
      ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
      ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
      ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
      ("datetime", "datetime"), ("datetime", "date"), ("datetime", "timedelta"),
      ("pathlib", "PosixPath"), ("pathlib", "PurePosixPath"), ("pathlib", "WindowsPath"),
      ("pathlib", "PureWindowsPath"), ("pathlib._local", "PosixPath"):
      true
    case ("builtins", _), ("__builtin__", _):
      [
        "int", "long", "float", "complex", "bool", "str", "unicode", "bytes", "bytearray", "list",
        "tuple", "dict", "frozenset", "slice", "range", "xrange",
      ].contains(name)
    default: false
    }
  }
}
