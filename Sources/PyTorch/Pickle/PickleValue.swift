import WeightmillTensors

/// The index of a value in the interpreter's arena. Values refer to each other by it, so
/// that shared values are never copied and nothing deep is ever freed recursively.
typealias PickleReference = Int

/// A value on the interpreter's stack.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(String)
  case bytes
  case tuple([PickleReference])
  case list([PickleReference])
  case set
  case dictionary([(key: PickleReference, value: PickleReference)])
  case global(PickleGlobal)
  // Indirect, so that the many small values stay small.
  indirect case storage(PickleStorage)
  indirect case tensor(PickleTensor)
  /// Something harmless that is not built: what a trainer left, a big integer.
  case opaque
}

/// A reference to a storage: `("storage", class, key, location, count)`.
struct PickleStorage: Equatable {
  let key: String
  /// The type of its values; `nil` where only the tensors say it.
  let type: TensorType?
  /// The size of the whole storage.
  let byteCount: Int
  /// The bytes that tensors may see: all of them but in files from before PyTorch 0.4.
  let view: Range<Int>

  /// The storage in other words: the same key must always mean the same.
  func isSame(as other: PickleStorage) -> Bool {
    key == other.key && type == other.type && byteCount == other.byteCount
  }
}

/// A tensor: a strided view into a storage, checked to lie inside it.
struct PickleTensor {
  let storage: PickleStorage
  let type: TensorType
  /// The first value, counted in values from the start of the storage's view.
  let offset: Int
  let shape: TensorShape
  /// For each extent, how many values apart its neighbours are.
  let strides: [Int]

  /// How many values of the tensor's type the storage holds.
  var available: Int { storage.view.count / type.bytesPerBlock }

  /// Returns `nil` when the view reaches beyond its storage (rule TEN-02).
  init?(storage: PickleStorage, type: TensorType, offset: Int, extents: [Int], strides: [Int]) {
    let available = storage.view.count / type.bytesPerBlock
    guard extents.count == strides.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }),
      let shape = TensorShape(extents)
    else { return nil }
    if shape.count == 0 {
      guard offset <= available else { return nil }
    } else {
      var last = offset
      for (extent, stride) in zip(extents, strides) {
        let (reach, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, overflow) = last.addingReportingOverflow(reach)
        guard !tooFar, !overflow else { return nil }
        last = sum
      }
      guard last < available else { return nil }
    }
    self.storage = storage
    self.type = type
    self.offset = offset
    self.shape = shape
    self.strides = strides
  }
}
