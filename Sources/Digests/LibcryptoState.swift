#if SYSTEM_CRYPTO
  internal import CWeightmillLibcrypto

  /// What libcrypto keeps between the pieces of a message.
  ///
  /// Sendable, since `SHA256` changes it only where nothing else refers to it. Its calls fail only for want of
  /// memory, or where a policy of the system forbids SHA-256; then there is nothing to go on with.
  @safe final class LibcryptoState: @unchecked Sendable {
    private let context: OpaquePointer

    /// The state before the first byte.
    init() {
      unsafe context = Self.newContext()
      let isReady = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
      precondition(isReady, "libcrypto refuses SHA-256")
    }

    /// The same state, to go on from by itself.
    init(copying other: LibcryptoState) {
      unsafe context = Self.copy(of: other.context)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    private static func newContext() -> OpaquePointer {
      guard let context = unsafe EVP_MD_CTX_new() else {
        preconditionFailure("no memory for a digest")
      }
      return unsafe context
    }

    private static func copy(of other: OpaquePointer) -> OpaquePointer {
      let context = unsafe newContext()
      let isCopied = unsafe EVP_MD_CTX_copy_ex(context, other) == 1
      precondition(isCopied, "no memory for a digest")
      return unsafe context
    }

    /// Takes the next bytes.
    func update(_ bytes: UnsafeRawBufferPointer) {
      let isTaken = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
      precondition(isTaken, "libcrypto refuses bytes")
    }

    /// The digest so far, 32 bytes; the state stays as it is.
    func finalize() -> [UInt8] {
      let last = unsafe Self.copy(of: context)
      defer { unsafe EVP_MD_CTX_free(last) }
      var digest = [UInt8](repeating: 0, count: 32)
      let isDone = unsafe digest.withUnsafeMutableBufferPointer {
        unsafe EVP_DigestFinal_ex(last, $0.baseAddress, nil) == 1
      }
      precondition(isDone, "libcrypto refuses SHA-256")
      return digest
    }
  }
#endif
