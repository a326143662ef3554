import WeightmillTensors

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
  /// A kind of dictionary that trainers use.
  case mapping
  /// A class or function whose values trainers leave beside the weights: they are not built.
  case leftover

  init?(module: String, name: String) {
    let global: PickleGlobal? =
      switch (module, name) {
      case ("collections", "OrderedDict"): .orderedDict
      case ("collections", "defaultdict"), ("collections", "Counter"): .mapping
      case (_, "AttributeDict") where Self.lightning.contains(module): .mapping
      case ("builtins", "set"), ("__builtin__", "set"): .set
      case ("torch", _) where name != "device": Self.torch(name)
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
    "complex32", "chalf", "complex128", "cdouble", "qint8", "quint8", "qint32", "quint4x2",
    "quint2x4", "float4_e2m1fn_x2", "int1", "int2", "int3", "int4", "int5", "int6", "int7", "uint1",
    "uint2", "uint3", "uint4", "uint5", "uint6", "uint7", "bits8", "bits16", "bits1x8", "bits2x4",
    "bits4x2",
  ]

  /// The modules in which Lightning has had its dictionary of hyperparameters.
  private static let lightning: Set<String> = [
    "lightning.fabric.utilities.data", "lightning.pytorch.utilities.parsing",
    "lightning_fabric.utilities.data", "pytorch_lightning.utilities.parsing",
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
      ("torch", "per_channel_affine"), ("torch.distributed.tensor", "DTensor"),
      ("torch.distributed._tensor.api", "DTensor"), ("torch.distributed.tensor._api", "DTensor"),
      ("torch.distributed._shard.sharded_tensor.api", "ShardedTensor"):
      true
    default: false
    }
  }
}
