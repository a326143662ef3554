import WeightmillLLaMA
import WeightmillQuantization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The machine that the program runs on.
struct Machine: Encodable {
  /// The name and release of the system: `Linux 6.1.0`.
  let system: String
  /// The kind of processor: `x86_64`.
  let architecture: String
  /// The processor's name, if the system tells it.
  let processor: String?
  /// The number of cores that may be used.
  let cores = ProcessInfo.processInfo.activeProcessorCount
  /// The instructions that searches of scales and the forward pass use.
  let instructions: String
  /// The bytes of memory.
  let memory = CommonOptions.physicalMemory

  /// Asks the system.
  init() {
    var names = utsname()
    unsafe uname(&names)
    system = "\(Self.text(&names.sysname)) \(Self.text(&names.release))"
    architecture = Self.text(&names.machine)
    processor = Self.processorName
    instructions =
      switch EncoderKernel.best {
      case .lanes16: "AVX-512, 16 numbers at a time"
      case .lanes8: "AVX2 and FMA, 8 numbers at a time"
      case .lanes4: "vectors of 4 numbers, which every processor has"
      }
  }

  /// The text in a field of fixed length.
  private static func text<Field>(_ field: inout Field) -> String {
    unsafe withUnsafeBytes(of: &field) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static var processorName: String? {
    #if canImport(Darwin)
      var count = 0
      guard unsafe sysctlbyname("machdep.cpu.brand_string", nil, &count, nil, 0) == 0 else {
        return nil
      }
      var bytes = [UInt8](repeating: 0, count: count)
      guard unsafe sysctlbyname("machdep.cpu.brand_string", &bytes, &count, nil, 0) == 0 else {
        return nil
      }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(
        separator: "\n")
      let line = lines?.first { $0.hasPrefix("model name") }
      return line?.split(separator: ":").last.map { name in
        String(name.drop { $0 == " " })
      }
    #endif
  }
}
