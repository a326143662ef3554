import Tensors

/// A place in the interpreter's arena. Values refer to each other by place, so that shared values
/// are never copied and nothing deep is ever freed recursively.
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
  /// Something harmless that is not needed: an optimizer's `device`, a big integer.
  case opaque
}

/// A reference to a storage: `("storage", class, key, location, count)`.
struct PickleStorage: Equatable {
  let key: String
  let type: TensorType
  /// In values, not bytes.
  let count: Int
}

/// A tensor: a strided view into a storage, checked to lie inside it.
struct PickleTensor {
  let storage: PickleStorage
  /// The first value, counted in values.
  let offset: Int
  let shape: TensorShape
  /// For each extent, how many values apart its neighbours are.
  let strides: [Int]

  /// Returns `nil` when the view reaches beyond its storage (rule TEN-02).
  init?(storage: PickleStorage, offset: Int, extents: [Int], strides: [Int]) {
    guard extents.count == strides.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }),
      let shape = TensorShape(extents)
    else { return nil }
    if shape.count == 0 {
      guard offset <= storage.count else { return nil }
    } else {
      var last = offset
      for (extent, stride) in zip(extents, strides) {
        let (reach, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, overflow) = last.addingReportingOverflow(reach)
        guard !tooFar, !overflow else { return nil }
        last = sum
      }
      guard last < storage.count else { return nil }
    }
    self.storage = storage
    self.offset = offset
    self.shape = shape
    self.strides = strides
  }
}
