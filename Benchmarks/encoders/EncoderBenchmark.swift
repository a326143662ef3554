import Dispatch
import WeightmillQuantization
import WeightmillTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
  import Glibc
#else
  import Foundation
#endif

/// How fast rows of F16 in memory become blocks: `make bench`.
///
/// The work is that of `weightmill quantize` without files: strips of rows are decoded to float32 and
/// encoded, each thread on strips of its own. Times are medians of several runs of the same rows. The
/// copy beside them moves the same bytes in the same process.
///
///     encoder-benchmark [TYPE ...] [--runs N] [--json]
@main
struct EncoderBenchmark {
  private static let columns = 4096
  private static let rows = 1024
  private static let stripRows = 4

  private let source: [UInt8]
  private let importance: [Float]
  /// How many runs a median is of.
  private let runs: Int

  /// Random rows, the same every time.
  private init(runs: Int) {
    self.runs = runs
    var state: UInt64 = 1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 * Self.rows * Self.columns)
    for _ in 0..<Self.rows * Self.columns {
      // Twelve uniform numbers make one that is nearly normal.
      var sum: Float = -6
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        sum += Float(state >> 40) * 0x1p-24
      }
      let bits = Binary16.bits(0.02 * sum)
      bytes += [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
    }
    source = bytes
    importance = (0..<Self.columns).map { 0.1 + Float($0 * 7919 % 1000) / 250 }
  }

  /// One thread's buffers.
  private struct Strip {
    var values = [Float](repeating: 0, count: EncoderBenchmark.stripRows * EncoderBenchmark.columns)
    var blocks: [UInt8]
  }

  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var runs = 5
    if let index = arguments.firstIndex(of: "--runs"), index + 1 < arguments.count {
      runs = Int(arguments[index + 1]) ?? runs
      arguments.removeSubrange(index...index + 1)
    }
    let isJSON = arguments.contains("--json")
    let names = arguments.filter { !$0.hasPrefix("--") }.map { $0.uppercased() }
    let types = RowEncoder.types.filter { names.isEmpty ? !$0.isScalar : names.contains($0.name) }
    if let unknown = names.first(where: { name in !types.contains { $0.name == name } }) {
      print("\(unknown) is no type that is written")
      exit(64)
    }
    let benchmark = EncoderBenchmark(runs: max(1, runs))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let copies = [1, cores].map { benchmark.copy(Workers(threads: $0)) }
    if isJSON {
      for type in types {
        for isGuided in [false, true] {
          let rate = try benchmark.rate(type, isGuided: isGuided, Workers(threads: 1))
          print("{\"type\":\"\(type.name)\",\"importance\":\(isGuided),\"values\":\(rate)}")
        }
      }
      return
    }
    print(
      "million weights per second, and GB/s of F16 read; the last column is of memcpy, one thread")
    print(row("memcpy", "", copies.map { $0 / 2 }, copies[0] / 2))
    for type in types {
      for isGuided in [false, true] {
        let rates = try [1, cores].map {
          try benchmark.rate(type, isGuided: isGuided, Workers(threads: $0))
        }
        print(row(type.name, isGuided ? "importance" : "", rates, copies[0] / 2))
      }
    }
  }

  /// A line of the table.
  private static func row(_ name: String, _ guide: String, _ rates: [Double], _ copy: Double)
    -> String
  {
    func cell(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    func fixed(_ value: Double, _ places: Int) -> String {
      let scale = places == 1 ? 10.0 : 100
      let whole = Int((value * scale).rounded())
      let fraction = String(whole % Int(scale) + Int(scale)).dropFirst()
      return "\(whole / Int(scale)).\(fraction)"
    }
    var line = name + String(repeating: " ", count: max(1, 9 - name.count)) + guide
    line += String(repeating: " ", count: max(1, 20 - line.count))
    for rate in rates { line += cell(fixed(rate / 1e6, 1), 10) + cell(fixed(2 * rate / 1e9, 2), 7) }
    return line + cell(fixed(rates[0] / copy, 2), 8)
  }

  // MARK: Measuring

  /// Values per second.
  private func rate(_ type: TensorType, isGuided: Bool, _ workers: Workers) throws -> Double {
    let decoder = try RowDecoder(.f16, location: "benchmark")
    let encoder = try RowEncoder(
      type, guide: isGuided ? .importance(importance) : .none, columns: Self.columns,
      location: "benchmark")
    let size = Self.stripRows * Self.columns / type.valuesPerBlock * type.bytesPerBlock
    return try median {
      try workers.forEach(
        Self.rows / Self.stripRows,
        scratch: { Strip(blocks: [UInt8](repeating: 0, count: size)) }
      ) { (index, strip: inout Strip) throws(WeightmillError) in
        decoder.decode(source, at: 2 * index * Self.stripRows * Self.columns, into: &strip.values)
        _ = encoder.encode(strip.values, into: &strip.blocks)
      }
    }
  }

  /// Bytes per second that are copied, as values per second of two bytes each, times two.
  private func copy(_ workers: Workers) -> Double {
    let size = 2 * Self.stripRows * Self.columns
    let rate = try? median {
      try workers.forEach(
        Self.rows / Self.stripRows, scratch: { [UInt8](repeating: 0, count: size) }
      ) { (index, target: inout [UInt8]) throws(WeightmillError) in
        target.withUnsafeMutableBytes { target in
          source.withUnsafeBytes { source in
            target.copyMemory(
              from: UnsafeRawBufferPointer(rebasing: source[index * size..<(index + 1) * size]))
          }
        }
      }
    }
    return 2 * (rate ?? 0)
  }

  /// The median rate of several runs, in values per second.
  private func median(_ work: () throws -> Void) throws -> Double {
    var times: [Double] = []
    try work()
    for _ in 0..<runs {
      let began = DispatchTime.now().uptimeNanoseconds
      try work()
      times.append(Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9)
    }
    return Double(Self.rows * Self.columns) / times.sorted()[runs / 2]
  }
}
