import WeightmillTensors

/// Checks the wire format of a SentencePiece model before it is parsed.
///
/// Parsers of protocol buffers pass over known fields of a wrong wire type, cut numbers to 32 bits,
/// and take an unknown value of an enumeration for its default. Two programs could so see two
/// vocabularies; here each of these is an error (rules SP-01 to SP-04 of `formats/sentencepiece.md`).
struct WireCheck {
  /// A message of which some fields are known.
  private enum Message {
    case model
    case piece
    case trainer
    case normalizer
  }

  /// How a known field is written.
  private enum Field {
    case number(ClosedRange<Int64>)
    case fixed32
    case bytes
    case message(Message)

    var wireType: UInt64 {
      switch self {
      case .number: 0
      case .bytes, .message: 2
      case .fixed32: 5
      }
    }
  }

  private static let anyNumber = Int64(Int32.min)...Int64(Int32.max)

  private var cursor: ByteCursor

  /// Checks a serialized `ModelProto`.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - location: The file they come from, for messages.
  /// - Throws: `malformed` with the byte offset.
  static func check(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    var check = WireCheck(cursor: ByteCursor(bytes, file: location))
    try check.message(.model, end: bytes.count)
  }

  private init(cursor: ByteCursor) { self.cursor = cursor }

  private static func field(_ number: UInt64, of message: Message) -> Field? {
    switch (message, number) {
    case (.model, 1): .message(.piece)
    case (.model, 2): .message(.trainer)
    case (.model, 3): .message(.normalizer)
    case (.piece, 1): .bytes
    case (.piece, 2): .fixed32
    case (.piece, 3): .number(1...6)
    case (.trainer, 3), (.trainer, 24), (.trainer, 35), (.trainer, 40...43): .number(anyNumber)
    case (.normalizer, 1), (.normalizer, 2): .bytes
    case (.normalizer, 3...5): .number(anyNumber)
    default: nil
    }
  }

  private func fault(_ problem: String) -> WeightmillError {
    cursor.error(
      "is not a SentencePiece model: \(problem)",
      remedy: "LLaMA 3's tokenizer.model is of another kind; else fetch the file again")
  }

  /// Messages nest no deeper than the known ones do: a piece in a model.
  private mutating func message(_ message: Message, end: Int) throws(WeightmillError) {
    while cursor.position < end {
      let key = try number()
      let field = Self.field(key >> 3, of: message)
      guard (1..<1 << 29).contains(key >> 3), field.map({ $0.wireType == key & 7 }) ?? true else {
        throw fault("field \(key >> 3) is not what it should be")
      }
      switch key & 7 {
      case 0:
        let value = Int64(bitPattern: try number())
        if case .number(let range)? = field, !range.contains(value) {
          throw fault("the number \(value) in field \(key >> 3) is impossible")
        }
      case 1: try skip(8, end: end)
      case 2:
        let count = try number()
        guard count <= UInt64(max(0, end - cursor.position)) else {
          throw fault("field \(key >> 3) reaches beyond its end")
        }
        if case .message(let inner)? = field {
          try self.message(inner, end: cursor.position + Int(count))
        } else {
          try skip(Int(count), end: end)
        }
      case 5: try skip(4, end: end)
      default: throw fault("field \(key >> 3) is of a kind that it has not")
      }
    }
    guard cursor.position == end else { throw fault("a number reaches beyond its message") }
  }

  private mutating func skip(_ count: Int, end: Int) throws(WeightmillError) {
    guard count <= end - cursor.position else { throw fault("it ends too early") }
    try cursor.skip(count)
  }

  /// Reads a number of at most 64 bits.
  private mutating func number() throws(WeightmillError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard cursor.remaining > 0 else { throw fault("it ends too early") }
      let byte = try cursor.readByte()
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw fault("a number is too long")
  }
}
