/// What a catalogue says of one tensor: its name, type and shape.
public struct TensorDescriptor: Hashable, Sendable {
  /// The name, in the words of the file it comes from.
  public let name: String
  /// How the values are stored.
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
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Feeds the bytes of the name to a hasher.
  ///
  /// - Parameter hasher: The hasher.
  public func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
  }
}
