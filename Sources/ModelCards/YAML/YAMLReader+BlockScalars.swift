import WeightmillTensors

/// Scalars of whole lines: `|` keeps them, `>` folds them.
extension YAMLReader {
  /// How the lines are taken.
  private struct Header {
    var folds = false
    /// What becomes of line ends at the end: one stays, none (`-`), or all (`+`).
    var keeps: Bool?
    /// How much further the lines are indented than what they belong to; `nil` is that of the first.
    var indent: Int?
  }

  private func header(_ text: ArraySlice<UInt8>) throws(WeightmillError) -> Header {
    var header = Header()
    header.folds = text.first == Mark.greater
    var rest = text.dropFirst()
    while let byte = rest.first, byte != Mark.space {
      switch byte {
      case 0x2B where header.keeps == nil: header.keeps = true
      case Mark.dash where header.keeps == nil: header.keeps = false
      case 0x31...0x39 where header.indent == nil: header.indent = Int(byte - 0x30)
      default: throw error("something behind | or >")
      }
      rest = rest.dropFirst()
    }
    rest = rest.drop { $0 == Mark.space }
    guard rest.isEmpty || rest.first == Mark.hash else { throw error("a text behind | or >") }
    return header
  }

  mutating func blockScalar(
    _ text: ArraySlice<UInt8>, parent: Int
  ) throws(WeightmillError) -> YAMLValue {
    let header = try header(text)
    index += 1
    let least = max(parent + 1, 1)
    let indent = header.indent.map { least + $0 - 1 } ?? detectedIndent(atLeast: least)
    var content: [[UInt8]] = []
    while index < lines.count {
      let line = lines[index]
      guard line.isBlank || line.indent >= indent else { break }
      content.append(
        [UInt8](repeating: Mark.space, count: max(0, line.indent - indent)) + line.bytes)
      index += 1
    }
    let trailing = content.reversed().prefix { $0.isEmpty }.count
    content.removeLast(trailing)
    // After the last line of the text there is always a line end, and split at it gives one more line.
    let isAtEnd = index == lines.count
    return .scalar(joined(content, header, blank: max(0, trailing - (isAtEnd ? 1 : 0))), .text)
  }

  /// The indentation of the first line that is not blank, or of a blank one before it that is wider.
  private func detectedIndent(atLeast least: Int) -> Int {
    let rest = lines[index...]
    let blank = rest.prefix { $0.isBlank }
    let widest = blank.map(\.indent).max() ?? 0
    let first = blank.endIndex < lines.count ? lines[blank.endIndex].indent : 0
    return max(least, first, widest)
  }

  /// Puts lines together; `blank` are the empty ones behind them.
  private func joined(_ lines: [[UInt8]], _ header: Header, blank: Int) -> String {
    var result: [UInt8] = []
    var breaks = 0
    var previous: [UInt8]?
    for line in lines {
      guard !line.isEmpty else {
        breaks += 1
        continue
      }
      if let last = previous {
        let folds = header.folds && last.first != Mark.space && line.first != Mark.space
        if !folds { result.append(Mark.newline) }
        if folds, breaks == 0 { result.append(Mark.space) }
      }
      result += [UInt8](repeating: Mark.newline, count: breaks) + line
      breaks = 0
      previous = line
    }
    if header.keeps != false, previous != nil { result.append(Mark.newline) }
    if header.keeps == true { result += [UInt8](repeating: Mark.newline, count: blank) }
    return String(decoding: result, as: UTF8.self)
  }
}
