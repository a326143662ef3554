import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An HTTP server on this machine, which answers as a test wants, and badly if it wants that.
public final class LoopbackServer: Sendable {
  /// A request.
  public struct Request: Sendable {
    /// The path, and the query if there is one.
    public let target: String
    /// The headers by their names in small letters.
    public let headers: [String: String]
    /// How many requests for the same path have come before.
    public let earlier: Int

    /// The path without the query.
    public var path: String { String(target.prefix { $0 != "?" }) }

    /// The bytes that are asked for.
    public var range: ClosedRange<Int>? {
      guard let text = headers["range"], text.hasPrefix("bytes=") else { return nil }
      let ends = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
      return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil
    }
  }

  /// An answer.
  public struct Answer: Sendable {
    /// The status.
    public var status: Int
    /// The headers, but `Content-Length`.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
    /// The length that is said; `nil` for the body's.
    public var length: Int?
    /// After how many bytes of the body the connection is cut.
    public var cut: Int?
    /// A pause before the answer, in milliseconds.
    public var pause = 0
    /// Whether headers follow without end.
    public var isEndless = false

    /// Makes an answer.
    public init(_ status: Int, _ headers: [String: String] = [:], _ body: [UInt8] = []) {
      self.status = status
      self.headers = headers
      self.body = body
    }

    /// The part of a file that was asked for, as a sound server sends it.
    public static func part(
      of file: [UInt8], _ request: Request, tag: String? = "\"one\""
    ) -> Answer {
      let headers = tag.map { ["ETag": $0] } ?? [:]
      guard let range = request.range else { return Answer(200, headers, file) }
      guard range.lowerBound < file.count else {
        return Answer(416, ["Content-Range": "bytes */\(file.count)"])
      }
      let last = min(range.upperBound, file.count - 1)
      return Answer(
        206,
        headers.merging(["Content-Range": "bytes \(range.lowerBound)-\(last)/\(file.count)"]) {
          $1
        }, Array(file[range.lowerBound...last]))
    }
  }

  /// The port that it listens on.
  public let port: Int
  private let listener: Int32
  private let log = Mutex<[Request]>([])

  /// The address with a number, `http://127.0.0.1:PORT`.
  public var address: String { "http://127.0.0.1:\(port)" }
  /// The same server by a name, which is another host.
  public var named: String { "http://localhost:\(port)" }
  /// What was asked for so far.
  public var requests: [Request] { log.withLock { $0 } }

  /// Starts a server.
  ///
  /// - Parameter answer: Makes the answers, on any thread.
  /// - Throws: What the system says when there is no port.
  public init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
    signal(SIGPIPE, SIG_IGN)
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    listener = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, size) == 0 && listen(listener, 64) == 0
          && getsockname(listener, pointer, &size) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        Thread.detachNewThread { [weak self] in
          while let head = Self.head(connection), let server = self {
            guard Self.send(answer(server.note(head)), to: connection) else { break }
          }
          close(connection)
        }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func note(_ head: String) -> Request {
    let lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)
    let words = lines.first?.split(separator: " ") ?? []
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let target = words.count > 1 ? String(words[1]) : "/"
    return log.withLock { log in
      let path = target.prefix { $0 != "?" }
      let request = Request(
        target: target, headers: headers, earlier: log.count { $0.path == path })
      log.append(request)
      return request
    }
  }

  /// Reads the head of a request; `nil` when the connection has ended.
  private static func head(_ connection: Int32) -> String? {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.suffix(4) != [13, 10, 13, 10] {
      guard bytes.count < 1 << 16, read(connection, &byte, 1) == 1 else { return nil }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Sends an answer; whether the connection goes on.
  private static func send(_ answer: Answer, to connection: Int32) -> Bool {
    if answer.pause > 0 { usleep(UInt32(answer.pause) * 1000) }
    var head = "HTTP/1.1 \(answer.status) Test\r\n"
    for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
    if answer.isEndless {
      guard write(Array(head.utf8), to: connection) else { return false }
      let line = Array("X-More: \(String(repeating: "x", count: 1000))\r\n".utf8)
      while write(line, to: connection) {}
      return false
    }
    head += "Content-Length: \(answer.length ?? answer.body.count)\r\n\r\n"
    let body = answer.cut.map { Array(answer.body.prefix($0)) } ?? answer.body
    return write(Array(head.utf8) + body, to: connection) && answer.cut == nil
      && answer.length == nil
  }

  private static func write(_ bytes: [UInt8], to connection: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let sent = bytes[done...].withUnsafeBytes { buffer in
        buffer.baseAddress.map { send(connection, $0, buffer.count, 0) } ?? 0
      }
      guard sent > 0 else { return false }
      done += sent
    }
    return true
  }

  private static func send(
    _ connection: Int32, _ bytes: UnsafeRawPointer, _ count: Int, _ flags: Int32
  ) -> Int {
    #if canImport(Glibc)
      Glibc.send(connection, bytes, count, flags)
    #elseif canImport(Musl)
      Musl.send(connection, bytes, count, flags)
    #else
      Darwin.send(connection, bytes, count, flags)
    #endif
  }
}
