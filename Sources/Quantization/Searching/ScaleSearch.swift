import CKernels

/// Which code searches scales; all give the same bytes.
public enum EncoderKernel: Sendable, CaseIterable {
  /// Plain Swift, one block after the other: what the others are compared with.
  case reference
  /// Four blocks at a time, on any processor.
  case lanes4
  /// Eight, with AVX2.
  case lanes8
  /// Sixteen, with AVX-512.
  case lanes16

  /// The fastest one of this processor.
  public static var best: EncoderKernel {
    switch Int(weightmill_level()) {
    case WEIGHTMILL_LANES_16: .lanes16
    case WEIGHTMILL_LANES_8: .lanes8
    default: .lanes4
    }
  }

  /// Those that this processor can run.
  public static var available: [EncoderKernel] {
    let level = Int(weightmill_level())
    return allCases.filter { kernel in kernel.level.map { $0 <= level } ?? true }
  }

  /// CKernels' number; `nil` for plain Swift.
  var level: Int? {
    switch self {
    case .reference: nil
    case .lanes4: WEIGHTMILL_LANES_4
    case .lanes8: WEIGHTMILL_LANES_8
    case .lanes16: WEIGHTMILL_LANES_16
    }
  }
}
