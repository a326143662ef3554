import ArgumentParser

/// A number of bytes: `5GB`, `7.9GB`, `500MB`, `1GiB`, `4G`, or digits alone. Parts of a byte are left out.
///
/// K, M and G are decimal, as in llama-gguf-split.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
  let bytes: Int

  init(bytes: Int) { self.bytes = bytes }

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = argument.dropFirst(digits.count).uppercased()
    let units = [
      "": 1, "B": 1, "K": 1000, "KB": 1000, "M": 1_000_000, "MB": 1_000_000, "G": 1_000_000_000,
      "GB": 1_000_000_000, "TB": 1_000_000_000_000, "KIB": 1 << 10, "MIB": 1 << 20,
      "GIB": 1 << 30, "TIB": 1 << 40,
    ]
    guard let factor = units[unit], let bytes = Self.bytes(digits, factor), bytes > 0 else {
      return nil
    }
    self.bytes = bytes
  }

  /// A decimal number times a factor, rounded down; `nil` for what is none, or too large.
  private static func bytes(_ number: Substring, _ factor: Int) -> Int? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = Int(parts[0]) else { return nil }
    let (bytes, overflow) = whole.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return bytes }
    // Beyond twelve digits no unit shows a difference.
    let digits = parts[1].prefix(12)
    guard factor > 1, !digits.isEmpty, let fraction = Int(digits) else { return nil }
    var scale = 1
    for _ in digits { scale *= 10 }
    let (high, low) = factor.multipliedFullWidth(by: fraction)
    let (sum, tooLarge) = bytes.addingReportingOverflow(
      scale.dividingFullWidth((high, low)).quotient)
    return tooLarge ? nil : sum
  }

  var description: String { bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\(bytes)" }

  var defaultValueDescription: String { description }
}
