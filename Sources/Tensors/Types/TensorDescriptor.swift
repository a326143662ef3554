/// A tensor's name, type and shape.
public struct TensorDescriptor: Hashable, Sendable {
  /// The name, in the words of the file it comes from.
  public let name: String
  /// The type in which the values are stored.
  public let type: TensorType
  /// The extents, outermost first.
  public let shape: TensorShape

  /// Describes a tensor.
  ///
  /// - Parameters:
  ///   - name: The name.
  ///   - type: How the values are stored.
  ///   - shape: The extents; the last one must be a multiple of the type's block size.
  public init(name: String, type: TensorType, shape: TensorShape) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// The bytes of one row.
  public var bytesPerRow: Int { shape.columns / type.valuesPerBlock * type.bytesPerBlock }

  /// The bytes of the whole tensor.
  public var byteCount: Int { shape.rows * bytesPerRow }
}

/// A tensor's name compared byte for byte.
///
/// Swift's `String` takes "é" for "e" with a combining accent; two tensors whose names differ only
/// so are two tensors.
public struct TensorName: Hashable, Sendable {
  /// The name.
  public let text: String

  /// Wraps a name.
  ///
  /// - Parameter text: The name.
  public init(_ text: String) { self.text = text }

  /// Whether the two names are the same bytes.
  ///
  /// - Parameters:
  ///   - left: A name.
  ///   - right: Another name.
  /// - Returns: Whether they are the same.
  public static func == (left: TensorName, right: TensorName) -> Bool {
    guard left.text.utf8.count == right.text.utf8.count else { return false }
    var (left, right) = (left.text, right.text)
    return left.withUTF8 { left in
      right.withUTF8 { right in unsafe left.elementsEqual(right) }
    }
  }

  /// Feeds the bytes of the name to a hasher.
  ///
  /// - Parameter hasher: The hasher.
  public func hash(into hasher: inout Hasher) {
    // All at once: vocabularies have hundreds of thousands of names.
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// The extents of a tensor, outermost first, with a byte size that is known not to overflow.
///
/// A row is the innermost extent: a tensor of shape `[a, b, c]` has `a * b` rows of `c` values. A
/// tensor without dimensions has one row of one value.
public struct TensorShape: Hashable, Sendable, CustomStringConvertible {
  /// The extents, outermost first.
  public let extents: [Int]
  /// The number of rows: the product of all extents but the last.
  public let rows: Int
  /// The number of values in a row: the last extent.
  public let columns: Int

  /// Checks the extents of a tensor.
  ///
  /// Returns `nil` when an extent is negative, or when the number of values times eight bytes does
  /// not fit in a signed 64-bit integer (zero extents are left out of that product, so that no
  /// extent is beyond the bound).
  ///
  /// - Parameter extents: The extents, outermost first.
  public init?(_ extents: [Int]) {
    var bound = 8
    for extent in extents {
      guard extent >= 0 else { return nil }
      let (product, overflow) = bound.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { return nil }
      bound = product
    }
    self.extents = extents
    self.columns = extents.last ?? 1
    self.rows = extents.dropLast().reduce(1, *)
  }

  /// A matrix of `rows` by `columns`; a negative extent counts as zero.
  ///
  /// - Parameters:
  ///   - rows: The number of rows.
  ///   - columns: The number of values in a row.
  public init(rows: Int, columns: Int) {
    self.extents = [max(rows, 0), max(columns, 0)]
    self.rows = max(rows, 0)
    self.columns = max(columns, 0)
  }

  /// The number of values.
  public var count: Int { rows * columns }

  /// Whether there are no values. The rows of such a tensor may be of any length, and those of no
  /// length of any number: neither says anything of what is to be read.
  public var isEmpty: Bool { rows == 0 || columns == 0 }

  /// The shape as people write it: `[5120, 13824]`.
  public var description: String {
    "[" + extents.map(String.init).joined(separator: ", ") + "]"
  }
}
