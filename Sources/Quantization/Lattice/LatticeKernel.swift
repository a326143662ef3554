import CKernels

/// Who searches for scales and points; all find the same.
package enum LatticeKernel: Equatable, Sendable {
  /// Plain Swift, hundreds of times slower: what the others are compared with.
  case oracle
  /// C for any processor.
  case portable
  /// C for AVX2.
  case avx2
  /// C for AVX-512.
  case avx512

  /// Those that this processor can run.
  package static var available: [LatticeKernel] {
    [.oracle, .portable] + [.avx2, .avx512].prefix(Int(weightmill_lattice_level()))
  }

  /// The fastest one that this processor can run.
  package static var best: LatticeKernel { available.last ?? .portable }

  /// The number that the C function knows it by.
  var level: Int32 {
    switch self {
    case .oracle, .portable: 0
    case .avx2: 1
    case .avx512: 2
    }
  }
}
