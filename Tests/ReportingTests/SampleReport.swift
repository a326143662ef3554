import Foundation
import WeightmillReporting
import WeightmillTensors
import WeightmillVerification

/// Reports with made-up figures that look like real ones; the same seed gives the same report.
struct SampleReport {
  var layers = 4
  var positions = [900, 340]
  var hasAttribution = true
  private var state: UInt64 = 7

  init(layers: Int = 4, positions: [Int] = [900, 340], hasAttribution: Bool = true) {
    self.layers = layers
    self.positions = positions
    self.hasAttribution = hasAttribution
  }

  static let kinds = [
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
    "ffn_down",
  ]

  /// A report with all its parts.
  mutating func report() throws -> VerificationReport {
    let texts = positions.enumerated().map { number, count in
      (text: "texts/sample-\(number + 1).txt", divergences: (0..<count).map { divergence(at: $0) })
    }
    var report = try VerificationReport(
      version: "0.2.0",
      candidate: .init(
        name: "/models/ziya-13b-q4_k_m.gguf", bytes: 7_865_956_352, parameters: 13_015_864_320,
        types: ["Q4_K": 241, "Q6_K": 41, "F32": 81]),
      reference: .init(
        name: "llama-13b-hf + Ziya-LLaMA-13B-v1", bytes: 26_031_728_640,
        parameters: 13_015_864_320, types: ["F16": 363]),
      settings: .init(context: 512, isSecondHalf: false, precision: "single"),
      texts: texts.map { text in
        .init(
          name: text.text, tokens: text.divergences.count,
          windows: (text.divergences.count + 511) / 512,
          statistics: try Self.statistics(text.divergences))
      }, total: try Self.statistics(texts.flatMap(\.divergences)))
    report.profile = VerificationReport.profile(of: texts)
    report.histogram = VerificationReport.histogram(of: texts.flatMap(\.divergences))
    fillModel(&report)
    fillRest(&report)
    return report
  }

  /// A report of saved logits: no layers, no tensors, no tokenizers.
  mutating func sparse() throws -> VerificationReport {
    var report = try report()
    report.layers = []
    report.tensors = []
    report.attribution = []
    report.attributionTokens = nil
    report.tokenizers = nil
    report.findings = []
    report.limits = []
    report.passed = true
    report.worst = []
    report.reference = .init(name: "logits.safetensors", bytes: nil, parameters: nil, types: [:])
    return report
  }

  private mutating func fillModel(_ report: inout VerificationReport) {
    var error = 0.004
    report.layers = (-1..<layers).map { layer in
      error += layer < 0 ? 0 : 0.001 + 0.003 * uniform()
      return .init(layer: layer, relativeError: error)
    }
    var inLayers: [VerificationReport.TensorError] = []
    for layer in 0..<layers {
      for (number, kind) in Self.kinds.enumerated() {
        inLayers.append(tensor(kind, number: number, layer: layer))
      }
    }
    report.tensors =
      [
        .init(
          name: "token_embd.weight", type: "Q4_K", layer: nil, kind: "token_embd",
          relativeError: 0.071, bytes: 115_000_000)
      ] + inLayers + [
        .init(
          name: "output_norm.weight", type: "F32", layer: nil, kind: "output_norm",
          relativeError: 0, bytes: 20480),
        .init(
          name: "output.weight", type: "Q6_K", layer: nil, kind: "output", relativeError: 0.019,
          bytes: 165_000_000),
      ]
    guard hasAttribution else { return }
    report.attributionTokens = 256
    report.attribution = [
      .init(name: "ffn_down", types: "Q6_K", divergence: 0.0072, share: 0.31),
      .init(name: "blk.0", types: "Q4_K, Q6_K, F32", divergence: 0.0081, share: 0.22),
      .init(name: "attn_v", types: "Q4_K", divergence: 0.0095, share: 0.09),
      .init(name: "output", types: "Q6_K", divergence: 0.0103, share: -0.004),
    ]
  }

  private mutating func tensor(
    _ kind: String, number: Int, layer: Int
  ) -> VerificationReport.TensorError {
    let isNorm = kind.hasSuffix("norm")
    let size: Double = 0.01 * (1 + Double(number)) * (0.4 + uniform())
    let depth: Double = 1 + 3 / Double(layer + 1)
    return .init(
      name: "blk.\(layer).\(kind).weight",
      type: isNorm ? "F32" : kind == "ffn_down" ? "Q6_K" : "Q4_K", layer: layer, kind: kind,
      relativeError: isNorm ? 0 : size * depth, bytes: 14_745_600 + number)
  }

  private func fillRest(_ report: inout VerificationReport) {
    report.tokenizers = .init(agree: true, difference: nil)
    report.worst = [
      .init(
        text: "texts/sample-1.txt", position: 211, divergence: 1.8342,
        before: "<human>:帮我写一份去西安的旅游计划\n<bot>:第一天：到达西安，入住酒店", next: "，",
        reference: Self.top(["，", "。", "后", "↵", " the"], [0.71, 0.12, 0.06, 0.03, 0.01]),
        candidate: Self.top(["。", "，", "后", " and", "、"], [0.48, 0.31, 0.05, 0.05, 0.02])),
      .init(
        text: "texts/sample-2.txt", position: 7, divergence: 0.9217,
        before: "The quick brown fox jumps over the", next: " lazy",
        reference: Self.top(
          [" lazy", " dog", " fence", "\n", " log"], [0.9, 0.03, 0.02, 0.01, 0.0]),
        candidate: Self.top(
          [" dog", " lazy", " moon", " fence", " log"], [0.5, 0.4, 0.04, 0.01, 0])),
    ]
    report.findings = [
      .init(
        severity: .warning, check: "file-type",
        message: "general.file_type says Q4_K_S, most tensors are as in Q4_K_M"),
      .init(
        severity: .note, check: "fallback", tensor: "blk.3.ffn_down.weight",
        message: "rows of 11008 values do not divide into blocks: Q5_0 was used"),
    ]
    report.limits = Self.limits
    report.passed = false
  }

  private static let limits = outcomes(
    """
    [{"limit":"max-kld","measured":0.0104,"allowed":0.015,"passed":true},
     {"limit":"max-kld-p99","measured":0.161,"allowed":0.12,"passed":false,
      "origin":"ffn_down (Q6_K): 31 % of the divergence"},
     {"limit":"min-top1","measured":0.957,"allowed":0.95,"passed":true},
     {"limit":"max-ppl-ratio","measured":1.0061,"allowed":1.02,"passed":true}]
    """)

  /// Outcomes of limits, from JSON.
  static func outcomes(_ json: String) -> [LimitOutcome] {
    (try? JSONDecoder().decode([LimitOutcome].self, from: Data(json.utf8))) ?? []
  }

  private static func top(
    _ tokens: [String], _ probabilities: [Double]
  ) -> [VerificationReport.Prediction] {
    zip(tokens, probabilities).enumerated().map { index, pair in
      .init(id: 300 + index, token: pair.0, probability: pair.1)
    }
  }

  /// Statistics of these divergences; the other figures are made up.
  static func statistics(_ divergences: [Double]) throws -> LogitStatistics {
    let sorted = divergences.sorted()
    func quantile(_ share: Double) -> Double { sorted[Int(share * Double(sorted.count - 1))] }
    let json = """
      {"positions":\(sorted.count),
       "divergence":{"mean":\(sorted.reduce(0, +) / Double(sorted.count)),"standardError":0.0006,
         "median":\(quantile(0.5)),"p90":\(quantile(0.9)),"p95":\(quantile(0.95)),
         "p99":\(quantile(0.99)),"p999":\(quantile(0.999)),"maximum":\(quantile(1))},
       "sameTop":0.957,"topFiveOverlap":0.931,
       "perplexity":{"reference":6.2173,"candidate":6.2552,"ratio":1.0061,"ratioError":0.0021},
       "probabilityChange":{"rms":0.0341,"mean":-0.0012,"minimum":-0.61,"p1":-0.12,"p5":-0.05,
         "median":-0.00002,"p95":0.045,"p99":0.11,"maximum":0.52},
       "normalizedSquareError":0.00052}
      """
    return try JSONDecoder().decode(LogitStatistics.self, from: Data(json.utf8))
  }

  /// Between 0 and 1 (splitmix64, S. Vigna, 2015).
  private mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((value ^ (value >> 31)) >> 11) / Double(1 << 53)
  }

  /// About what quantized models have: most small, some large, the beginning worse.
  private mutating func divergence(at position: Int) -> Double {
    let logarithm = -6 + 3.2 * (uniform() + uniform() + uniform() - 1.5) + (position < 20 ? 1.5 : 0)
    return Elementary.exponential(logarithm)
  }
}
