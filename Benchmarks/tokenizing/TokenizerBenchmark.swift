import WeightmillModels
import WeightmillTensors
import WeightmillTokenization

#if canImport(FoundationEssentials)
  import FoundationEssentials
  import Glibc
#else
  import Foundation
#endif

/// How fast text becomes ids, on one thread: `make bench-tokenizers`.
///
/// The text is cut into documents at line ends, of at least 4,096 bytes each. Reading the files does not
/// count, nor does time in which the processor is at work for others. The last line is the sum of all ids times their places, modulo 2^32, by which other programs'
/// ids are compared.
///
///     tokenizer-benchmark MODEL TEXT [--runs N]
@main
struct TokenizerBenchmark {
  static let documentBytes = 4096

  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var runs = 5
    if let index = arguments.firstIndex(of: "--runs"), index + 1 < arguments.count {
      runs = max(1, Int(arguments[index + 1]) ?? runs)
      arguments.removeSubrange(index...index + 1)
    }
    guard arguments.count == 2 else {
      print("usage: tokenizer-benchmark MODEL TEXT [--runs N]")
      exit(64)
    }
    let began = seconds()
    let tokenizer = try ModelLoader.tokenizer(arguments[0])
    print("loaded in \(Int((seconds() - began) * 1000)) ms")
    let text = try TextInput.text(arguments[1])
    let documents = documents(text)
    var best = Double.infinity
    var sum: UInt32 = 0
    for _ in 0..<runs {
      let start = seconds()
      sum = 0
      var place: UInt32 = 0
      for document in documents {
        for id in try tokenizer.encode(document, addsSpecial: false) {
          place &+= 1
          sum &+= place &* UInt32(truncatingIfNeeded: id)
        }
      }
      best = min(best, seconds() - start)
    }
    let speed = Double(text.utf8.count) / 1e6 / best
    print("\(documents.count) documents, \(text.utf8.count) bytes: \(speed) MB/s")
    print("sum \(sum)")
  }

  private static func documents(_ text: String) -> [String] {
    var documents: [String] = []
    let bytes = Array(text.utf8)
    var start = 0
    for (index, byte) in bytes.enumerated()
    where byte == 0x0A && index + 1 - start >= documentBytes {
      documents.append(String(decoding: bytes[start...index], as: UTF8.self))
      start = index + 1
    }
    if start < bytes.count { documents.append(String(decoding: bytes[start...], as: UTF8.self)) }
    return documents
  }

  /// The processor's time of this process.
  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
