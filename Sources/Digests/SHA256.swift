#if SYSTEM_CRYPTO
  internal import CWeightmillLibcrypto
#else
  internal import Crypto
#endif

/// The SHA-256 of bytes that come piece by piece.
///
/// A value: a copy goes on by itself. The arithmetic is the library's that the build took: the
/// system's libcrypto, or the package swift-crypto's (`Package.swift` says when).
package struct SHA256: Sendable {
  #if SYSTEM_CRYPTO
    private var state = LibcryptoState()
  #else
    private var state = Crypto.SHA256()
  #endif

  /// The digest of no bytes yet.
  package init() {}

  /// The digest of bytes that are all there.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: 64 lower-case hexadecimal digits.
  package static func hexadecimal(of bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexadecimal
  }

  /// Takes the next bytes.
  ///
  /// - Parameter bytes: The bytes.
  package mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  /// Takes the next bytes.
  ///
  /// - Parameter bytes: The bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    #if SYSTEM_CRYPTO
      if !isKnownUniquelyReferenced(&state) { state = LibcryptoState(copying: state) }
      unsafe state.update(bytes)
    #else
      unsafe state.update(bufferPointer: bytes)
    #endif
  }

  /// The digest of all bytes so far: 64 lower-case hexadecimal digits.
  package var hexadecimal: String {
    state.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
