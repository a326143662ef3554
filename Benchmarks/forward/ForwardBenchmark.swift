import CWeightmillPeak
import Dispatch
import WeightmillLLaMA
import WeightmillTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
  import Glibc
#else
  import Foundation
#endif

/// How fast a layer of LLaMA-13B's shape is applied: `make bench`.
///
/// The peak is that of fused multiply-adds on registers, measured before and after each line on the
/// same threads. Operations are two for each weight and token, and for attention two for each feature
/// of each pair of tokens that see each other, for scores and for values. All other work counts as
/// nothing, but takes time.
///
///     forward-benchmark [TYPE ...] [--tokens N] [--double]
@main
struct ForwardBenchmark {
  private static let context = 512

  private let tokens: Int
  private let precision: Precision

  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var tokens = context
    if let index = arguments.firstIndex(of: "--tokens"), index + 1 < arguments.count {
      tokens = Int(arguments[index + 1]) ?? tokens
      arguments.removeSubrange(index...index + 1)
    }
    let isDouble = arguments.contains("--double")
    let names = arguments.filter { !$0.hasPrefix("--") }.map { $0.uppercased() }
    let types =
      names.isEmpty
      ? [TensorType.f16, .q4_K] : TensorType.allCases.filter { names.contains($0.name) }
    if let unknown = names.first(where: { name in !types.contains { $0.name == name } }) {
      print("\(unknown) is no type of weights")
      exit(64)
    }
    let benchmark = ForwardBenchmark(
      tokens: max(1, tokens), precision: isDouble ? .double : .single)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    print(
      "a layer of LLaMA-13B's shape, \(benchmark.tokens) tokens in windows of at most \(context)")
    for type in types {
      let model = try LlamaModel(
        catalogue: MemoryModel(type), configuration: MemoryModel.configuration, scheme: .gguf)
      for threads in Set([1, cores]).sorted() {
        try benchmark.measure(model, type, Workers(threads: threads))
      }
    }
  }

  private func measure(_ model: LlamaModel, _ type: TensorType, _ workers: Workers) throws {
    let pass = ForwardPass(model, workers: workers, precision: precision)
    var hidden = try pass.embed((0..<tokens).map { $0 * 7919 % 4096 })
    let windows = stride(from: 0, to: tokens, by: Self.context).map {
      $0..<min($0 + Self.context, tokens)
    }
    let before = Self.peak(workers)
    let seconds = try Self.seconds {
      try pass.apply(layer: 0, to: &hidden, windows: windows)
    }
    // A processor does half as many operations on numbers of twice the size.
    let peak = (before + Self.peak(workers)) / 2 / (precision == .double ? 2 : 1)
    let rate = operations(model, windows) / seconds
    print(
      type.name, "\(workers.threads) threads:",
      "\(Self.rounded(Double(tokens) / seconds)) tokens/s,",
      "\(Self.rounded(rate / 1e9)) GFLOP/s,",
      "\(Self.rounded(100 * rate / peak)) % of the peak of \(Self.rounded(peak / 1e9))")
  }

  private func operations(_ model: LlamaModel, _ windows: [Range<Int>]) -> Double {
    let configuration = MemoryModel.configuration
    let weights = model.catalogue.tensors.reduce(0) { sum, tensor in
      let isMatrix = tensor.name.hasPrefix("blk.") && tensor.shape.extents.count > 1
      return isMatrix ? sum + tensor.shape.count : sum
    }
    let pairs = windows.reduce(0) { $0 + $1.count * ($1.count + 1) / 2 }
    return 2 * Double(weights) * Double(tokens)
      + 4 * Double(pairs) * Double(configuration.queryWidth)
  }

  // MARK: Measuring

  /// Operations per second of all threads together.
  private static func peak(_ workers: Workers) -> Double {
    let rounds = 5_000_000
    var operations = 0.0
    let seconds = try? seconds {
      try workers.forEach(workers.threads, scratch: {}) { (_, _) throws(WeightmillError) in
        _ = peak_operations(rounds)
      }
    }
    operations = peak_operations(1) * Double(rounds * workers.threads)
    return operations / (seconds ?? .infinity)
  }

  private static func seconds(_ work: () throws -> Void) throws -> Double {
    let began = DispatchTime.now().uptimeNanoseconds
    try work()
    return Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9
  }

  private static func rounded(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
