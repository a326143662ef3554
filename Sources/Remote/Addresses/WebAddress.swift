#if Remote
  /// An `https` address in its parts; `http` only of this machine, for tests and tunnels.
  package struct WebAddress: Hashable, Sendable {
    let scheme: String
    /// The host in small letters.
    let host: String
    let port: Int
    /// The path as it is sent, with the `/` it begins with.
    let path: String
    /// What follows the `?`. It may hold a signature, and is never shown.
    package let query: String?

    /// The scheme, host and port: who is spoken to.
    package var origin: String { "\(scheme)://\(host):\(port)" }

    /// The address as it is sent.
    package var text: String { shown + (query.map { "?\($0)" } ?? "") }

    /// The address as it may be shown.
    package var shown: String {
      let isUsual = port == (scheme == "https" ? 443 : 80)
      return "\(scheme)://\(host)\(isUsual ? "" : ":\(port)")\(path)"
    }

    /// Whether it is of this machine.
    var isLoopback: Bool {
      if host == "localhost" || host == "[::1]" { return true }
      let parts = host.split(separator: ".", omittingEmptySubsequences: false)
      return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether it may be asked at all: nothing goes over a network in the clear.
    package var isSafe: Bool { scheme == "https" || isLoopback }

    /// Takes an address apart; `nil` for what is none, or holds a user's name.
    package init?(_ text: String) {
      let text = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
      guard let mark = text.firstRange(of: "://") else { return nil }
      let scheme = text[..<mark.lowerBound].lowercased()
      guard scheme == "https" || scheme == "http" else { return nil }
      let rest = text[mark.upperBound...]
      let end = rest.firstIndex { "/?".contains($0) } ?? rest.endIndex
      guard let (host, port) = Self.authority(rest[..<end]) else { return nil }
      let tail = rest[end...].split(
        separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let path = tail.first.map(String.init) ?? ""
      guard let sent = Self.encoded(path.isEmpty ? "/" : path) else { return nil }
      var query: String?
      if tail.count > 1 {
        guard let sent = Self.encoded(String(tail[1])) else { return nil }
        query = sent
      }
      self.init(
        scheme: scheme, host: host, port: port ?? (scheme == "https" ? 443 : 80), path: sent,
        query: query)
    }

    private init(scheme: String, host: String, port: Int, path: String, query: String?) {
      (self.scheme, self.host, self.port) = (scheme, host, port)
      (self.path, self.query) = (path, query)
    }

    /// The host and the port; `nil` for what is neither a name nor a number.
    private static func authority(_ text: Substring) -> (host: String, port: Int?)? {
      var host = text.lowercased()
      var port: Int?
      let isBracketed = host.hasPrefix("[")
      if let colon = host.lastIndex(of: ":"), !isBracketed || host[..<colon].hasSuffix("]") {
        guard let number = UInt16(host[host.index(after: colon)...]), number > 0 else {
          return nil
        }
        port = Int(number)
        host = String(host[..<colon])
      }
      let allowed = isBracketed ? "[]:0123456789abcdef." : "-._0123456789abcdefghijklmnopqrstuvwxyz"
      guard !host.isEmpty, host.utf8.count <= 255, host.allSatisfy(allowed.contains),
        !isBracketed || host.hasSuffix("]")
      else { return nil }
      return (host, port)
    }

    /// The text with letters beyond ASCII as a server takes them; `nil` for control characters.
    private static func encoded(_ text: String) -> String? {
      var result = ""
      for byte in text.utf8 {
        switch byte {
        case 0..<0x20, 0x7F: return nil
        case 0x20, 0x22, 0x3C, 0x3E, 0x5C, 0x5E, 0x60, 0x7B...0x7D, 0x80...0xFF:
          result += percent(byte)
        default: result.unicodeScalars.append(Unicode.Scalar(byte))
        }
      }
      return result
    }

    private static func percent(_ byte: UInt8) -> String {
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (byte < 16 ? "0" : "") + digits
    }

    /// A name as a part of a path: whatever has a meaning there is encoded.
    static func escaped(_ name: String) -> String {
      name.utf8.reduce(into: "") { result, byte in
        let scalar = Unicode.Scalar(byte)
        let isPlain =
          scalar.isASCII
          && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || "-._~".unicodeScalars.contains(scalar))
        if isPlain { result.unicodeScalars.append(scalar) } else { result += percent(byte) }
      }
    }

    /// The address of something below this one.
    ///
    /// - Parameter path: The path, encoded.
    /// - Returns: The address, without a query.
    func appending(_ path: String) -> WebAddress {
      let base = self.path.hasSuffix("/") ? String(self.path.dropLast()) : self.path
      return WebAddress(
        scheme: scheme, host: host, port: port, path: "\(base)/\(path)", query: nil)
    }

    /// The same address with what follows the `?`.
    func with(query: String?) -> WebAddress {
      WebAddress(scheme: scheme, host: host, port: port, path: path, query: query)
    }

    /// The address that an answer to this one leads to.
    ///
    /// - Parameter location: What the answer says: an address, or a path on the same server.
    /// - Returns: The address; `nil` for what is none.
    package func redirected(to location: String) -> WebAddress? {
      if location.hasPrefix("//") { return WebAddress("\(scheme):\(location)") }
      if let address = WebAddress(location) { return address }
      guard !location.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") else { return nil }
      let isUsual = port == (scheme == "https" ? 443 : 80)
      let server = "\(scheme)://\(host)\(isUsual ? "" : ":\(port)")"
      if location.hasPrefix("/") { return WebAddress(server + location) }
      let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
      return WebAddress("\(server)\(folder)\(location)")
    }
  }
#endif
