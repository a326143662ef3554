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
