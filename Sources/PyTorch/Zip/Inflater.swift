import CWeightmillZlib
import Synchronization
import WeightmillTensors

/// Reads ranges of a deflated zip entry, holding one window of it.
///
/// A deflated stream can only be read forwards: a range before the present position starts again from
/// the beginning. One thread uses it at a time.
@safe final class Inflater: @unchecked Sendable {
  private static let inputSize = 1 << 16

  private let entry: ZipArchive.Entry
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var consumed = 0
  /// How many bytes of the inflated entry are behind.
  private(set) var position = 0
  private var started = false

  init(_ entry: ZipArchive.Entry) {
    self.entry = entry
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
  }

  deinit {
    if started { unsafe inflateEnd(stream) }
    unsafe stream.deallocate()
  }

  /// Reads bytes of the inflated entry.
  func read(
    at start: Int, count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    if !started || start < position { try restart(file.path) }
    if start > position {
      var scratch = [UInt8](repeating: 0, count: min(start - position, Self.inputSize))
      while position < start {
        let count = min(start - position, scratch.count)
        try scratch.withMutableBytes { (span) throws(WeightmillError) in
          try inflate(count, from: file, into: &span, at: 0)
        }
      }
    }
    try inflate(count, from: file, into: &bytes, at: offset)
    if position == entry.size { try checkEnd(file) }
  }

  private func restart(_ path: String) throws(WeightmillError) {
    if started { unsafe inflateEnd(stream) }
    unsafe stream.pointee = z_stream()
    started = unsafe weightmill_inflate_init_raw(stream) == Z_OK
    guard started else { throw WeightmillError(.internal, path, "zlib cannot be initialised") }
    (input, consumed, position) = ([], 0, 0)
  }

  private func inflate(
    _ count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    precondition(offset >= 0 && count >= 0 && offset + count <= bytes.byteCount)
    var done = 0
    while done < count {
      if input.isEmpty { try refill(file) }
      let got = try step(count - done, into: &bytes, at: offset + done, path: file.path)
      done += got
      position += got
    }
  }

  /// Inflates at most `count` bytes from the present input; keeps what was not used.
  private func step(
    _ count: Int, into bytes: inout MutableRawSpan, at offset: Int, path: String
  ) throws(WeightmillError) -> Int {
    let (status, used, got) = call(count, into: &bytes, at: offset)
    guard status == Z_OK || status == Z_STREAM_END, got > 0 || used > 0,
      status != Z_STREAM_END || position + got == entry.size
    else { throw damaged(path) }
    return got
  }

  private func call(
    _ count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) -> (status: CInt, used: Int, got: Int) {
    let available = input.count
    let room = min(count, 1 << 30)
    let stream = unsafe stream
    let status = unsafe bytes.withUnsafeMutableBytes { output in
      unsafe input.withUnsafeMutableBufferPointer { input in
        unsafe stream.pointee.next_in = input.baseAddress
        unsafe stream.pointee.avail_in = UInt32(available)
        unsafe stream.pointee.next_out =
          output.baseAddress.map { unsafe ($0 + offset).assumingMemoryBound(to: UInt8.self) }
        unsafe stream.pointee.avail_out = UInt32(room)
        return unsafe CWeightmillZlib.inflate(stream, Z_NO_FLUSH)
      }
    }
    let used = unsafe available - Int(stream.pointee.avail_in)
    let got = unsafe room - Int(stream.pointee.avail_out)
    unsafe stream.pointee.next_in = nil
    input.removeFirst(used)
    return (status, used, got)
  }

  /// The stream must end exactly where the directory says, in both sizes.
  private func checkEnd(_ file: borrowing InputFile) throws(WeightmillError) {
    var scratch: [UInt8] = [0]
    while true {
      if input.isEmpty { try refill(file) }
      let (status, used, got) = scratch.withMutableBytes { call(1, into: &$0, at: 0) }
      if status == Z_STREAM_END, got == 0, input.isEmpty, consumed == entry.compressedSize {
        return
      }
      guard status == Z_OK, used > 0, got == 0 else { throw damaged(file.path) }
    }
  }

  private func refill(_ file: borrowing InputFile) throws(WeightmillError) {
    let next = min(Self.inputSize, entry.compressedSize - consumed)
    input = try file.bytes(at: entry.dataOffset + consumed, count: next)
    consumed += next
  }

  private func damaged(_ path: String) -> WeightmillError {
    WeightmillError(
      .malformed, path, "the compressed zip entry \(quoted(entry.name)) is damaged",
      remedy: "fetch the file again")
  }
}

/// A deflated entry that several threads read in ascending, interleaved ranges.
///
/// Each range goes to the stream that is nearest before it, so that every thread has one that goes
/// forwards with it, and none has to start again.
final class InflatedEntry: Sendable {
  /// How many streams are kept; each holds about 100 kB.
  private static let limit = 16

  private let entry: ZipArchive.Entry
  private let idle = Mutex<[Inflater]>([])

  init(_ entry: ZipArchive.Entry) { self.entry = entry }

  /// Reads bytes of the inflated entry.
  func read(
    at position: Int, count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    let stream = idle.withLock { streams -> Inflater? in
      let behind = streams.indices.filter { streams[$0].position <= position }
      let nearest = behind.max { streams[$0].position < streams[$1].position }
      return nearest.map { streams.remove(at: $0) }
    }
    let inflater = stream ?? Inflater(entry)
    try inflater.read(at: position, count: count, from: file, into: &bytes, at: offset)
    // One that has come to its end will not be needed again.
    guard inflater.position < entry.size else { return }
    idle.withLock { streams in
      streams.append(inflater)
      if streams.count > Self.limit { streams.removeFirst() }
    }
  }
}
