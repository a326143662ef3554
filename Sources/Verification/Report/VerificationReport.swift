/// All that a comparison of two models found: what `--json` prints, and what pages are drawn from.
///
/// The fields are described in `formats/verification-report.md`. Divergences are KL(reference‖candidate)
/// in nats; shares and relative errors are 0 to 1.
public struct VerificationReport: Codable, Equatable, Sendable {
  /// The number of this layout.
  package static let currentSchema = 1

  /// The layout's number; a reader refuses others.
  package var schema = currentSchema
  /// The version of Weightmill that measured.
  package var version: String
  /// Whether the run was interrupted: the figures are of the text read until then.
  public var isPartial = false
  /// The model that was judged.
  package var candidate: Subject
  /// The model or the logits that it was judged by.
  package var reference: Subject
  /// The settings of the measurement.
  package var settings: Settings
  /// Each text by itself, in the order given.
  package var texts: [TextResult]
  /// All texts together.
  public var total: LogitStatistics
  /// The vocabularies, where one is padded to more rows than the other; `nil` if they have the same
  /// height.
  package var vocabulary: PaddedVocabulary?
  /// Both tokenizers on the texts; `nil` when one side has none, or ids were given.
  package var tokenizers: TokenizerResult?
  /// Positions with the largest divergence, worst first.
  package var worst: [WorstPosition]
  /// Divergence along the text, for drawing.
  package var profile: [ProfileBin]
  /// The number of positions in each range of divergence, for drawing.
  package var histogram: [HistogramBin]
  /// Relative error of the residual stream: first the embeddings, then after each layer.
  package var layers: [LayerDrift]
  /// The error that each tensor adds, in the model's order.
  public var tensors: [TensorError]
  /// The contribution of each tensor or group to the divergence, largest first; empty without
  /// `--attribute`.
  public var attribution: [AttributedDivergence] = []
  /// The number of tokens that the attribution was measured on.
  package var attributionTokens: Int?
  /// Problems and remarks on the candidate's file.
  public var findings: [Finding]
  /// The limits and whether they were kept.
  public var limits: [LimitOutcome]
  /// Whether every limit was kept.
  public var passed: Bool

  /// Makes a report; what is not given is empty.
  package init(
    version: String, candidate: Subject, reference: Subject, settings: Settings,
    texts: [TextResult], total: LogitStatistics
  ) {
    self.version = version
    self.candidate = candidate
    self.reference = reference
    self.settings = settings
    self.texts = texts
    self.total = total
    worst = []
    profile = []
    histogram = []
    layers = []
    tensors = []
    findings = []
    limits = []
    passed = true
  }
}

extension VerificationReport {
  /// A model that took part.
  package struct Subject: Codable, Equatable, Sendable {
    /// The path, and what was merged into it: `base + delta`.
    package var name: String
    /// The bytes of its tensors; `nil` for saved logits.
    package var bytes: Int?
    /// The number of its weights; `nil` for saved logits.
    package var parameters: Int?
    /// The number of tensors of each type, such as `Q4_K: 25`.
    package var types: [String: Int]
    /// Bits for each weight; `nil` for saved logits.
    package var bitsPerWeight: Double?

    /// Makes one.
    package init(name: String, bytes: Int?, parameters: Int?, types: [String: Int]) {
      self.name = name
      self.bytes = bytes
      self.parameters = parameters
      self.types = types
      if let bytes, let parameters, parameters > 0 {
        bitsPerWeight = Double(bytes) * 8 / Double(parameters)
      }
    }
  }

  /// The settings of a comparison.
  package struct Settings: Codable, Equatable, Sendable {
    /// The largest number of tokens in a window.
    package var context: Int
    /// Whether only the second half of each whole window was judged, as llama-perplexity does.
    package var isSecondHalf: Bool
    /// `single` or `double`.
    package var precision: String

    /// Makes one.
    package init(context: Int, isSecondHalf: Bool, precision: String) {
      self.context = context
      self.isSecondHalf = isSecondHalf
      self.precision = precision
    }
  }

  /// The figures of one text.
  package struct TextResult: Codable, Equatable, Sendable {
    /// The text's path, or `prompt`.
    package var name: String
    /// The number of tokens in the text's windows.
    package var tokens: Int
    /// The number of windows.
    package var windows: Int
    /// The figures; `nil` when the run was interrupted before the text's turn.
    package var statistics: LogitStatistics?

    /// Makes one.
    package init(name: String, tokens: Int, windows: Int, statistics: LogitStatistics?) {
      self.name = name
      self.tokens = tokens
      self.windows = windows
      self.statistics = statistics
    }
  }

  /// Whether two tokenizers agree on the texts.
  package struct TokenizerResult: Codable, Equatable, Sendable {
    /// Whether they gave the same ids for every text.
    package var agree: Bool
    /// The first difference in words, with the text around it.
    package var difference: String?

    /// Makes one.
    package init(agree: Bool, difference: String?) {
      self.agree = agree
      self.difference = difference
    }
  }

  /// Two vocabularies of different heights: all figures are over the tokens that both predict.
  package struct PaddedVocabulary: Codable, Equatable, Sendable {
    /// The rows of the candidate's output matrix.
    package var candidate: Int
    /// The rows of the reference's.
    package var reference: Int
    /// The mean probability that the side with more rows gives to those that the other does not have.
    package var meanRest: Double
    /// The largest.
    package var maximumRest: Double

    /// Makes one.
    package init(candidate: Int, reference: Int, meanRest: Double, maximumRest: Double) {
      self.candidate = candidate
      self.reference = reference
      self.meanRest = meanRest
      self.maximumRest = maximumRest
    }

    /// The side with more rows.
    package var taller: String { candidate > reference ? "candidate" : "reference" }
  }

  /// A position where the models differ most.
  package struct WorstPosition: Codable, Equatable, Sendable {
    /// The text's name.
    package var text: String
    /// The token's position in the text's windows, from 0.
    package var position: Int
    /// The divergence, in nats.
    package var divergence: Double
    /// The text before and up to the position.
    package var before: String
    /// The token that the text has next; `nil` at the end of a window.
    package var next: String?
    /// The reference's five most likely tokens, the most likely first.
    package var reference: [Prediction]
    /// The candidate's.
    package var candidate: [Prediction]

    /// Makes one.
    package init(
      text: String, position: Int, divergence: Double, before: String, next: String?,
      reference: [Prediction], candidate: [Prediction]
    ) {
      self.text = text
      self.position = position
      self.divergence = divergence
      self.before = before
      self.next = next
      self.reference = reference
      self.candidate = candidate
    }
  }

  /// A token and how likely a model thinks it.
  package struct Prediction: Codable, Equatable, Sendable {
    /// The id.
    package var id: Int
    /// The token's text, or its piece if it is not text by itself.
    package var token: String
    /// The probability, 0 to 1.
    package var probability: Double

    /// Makes one.
    package init(id: Int, token: String, probability: Double) {
      self.id = id
      self.token = token
      self.probability = probability
    }
  }

  /// The divergence of some positions that follow each other.
  package struct ProfileBin: Codable, Equatable, Sendable {
    /// The text's name.
    package var text: String
    /// The first position, counted through the positions judged of the text.
    package var first: Int
    /// The number of positions.
    package var count: Int
    /// The mean divergence, in nats.
    package var mean: Double
    /// The largest.
    package var maximum: Double

    /// Makes one.
    package init(text: String, first: Int, count: Int, mean: Double, maximum: Double) {
      self.text = text
      self.first = first
      self.count = count
      self.mean = mean
      self.maximum = maximum
    }
  }

  /// A range of divergence and its number of positions; ranges are equal on a logarithmic scale.
  package struct HistogramBin: Codable, Equatable, Sendable {
    /// The least divergence of the range, in nats; 0 for the first.
    package var from: Double
    /// Up to this, exclusive; infinite for the last.
    package var to: Double
    /// The number of positions.
    package var count: Int

    /// Makes one.
    package init(from: Double, to: Double, count: Int) {
      self.from = from
      self.to = to
      self.count = count
    }
  }

  /// The distance of the candidate's residual stream from the reference's.
  package struct LayerDrift: Codable, Equatable, Sendable {
    /// The layer; -1 for the embeddings.
    package var layer: Int
    /// ‖candidate − reference‖ / ‖reference‖ over all tokens.
    package var relativeError: Double

    /// Makes one.
    package init(layer: Int, relativeError: Double) {
      self.layer = layer
      self.relativeError = relativeError
    }
  }

  /// The error that a tensor's change adds to the tensor's own output.
  public struct TensorError: Codable, Equatable, Sendable {
    /// The candidate's name of it.
    public var name: String
    /// The candidate's type.
    public var type: String
    /// The layer; `nil` for embeddings, last norm and output.
    package var layer: Int?
    /// The name in its layer, such as `ffn_down`; outside layers, the name without `.weight`.
    package var kind: String
    /// ‖(W − W′)x‖ / ‖Wx‖ on the reference's activations; for a norm, of the gains themselves.
    public var relativeError: Double
    /// Bytes in the candidate.
    package var bytes: Int

    /// Makes one.
    package init(
      name: String, type: String, layer: Int?, kind: String, relativeError: Double, bytes: Int
    ) {
      self.name = name
      self.type = type
      self.layer = layer
      self.kind = kind
      self.relativeError = relativeError
      self.bytes = bytes
    }
  }

}

/// One limit and what was measured.
public struct LimitOutcome: Codable, Equatable, Sendable {
  /// The option that set the limit, such as `max-kld`.
  public let limit: String
  /// The value that was measured.
  public let measured: Double
  /// The value that was allowed.
  public let allowed: Double
  /// Whether the limit was kept; a value that is not a number never keeps it.
  public let passed: Bool
  /// The origin of a breach, if it is known: `blk.2.ffn_down (Q3_K): 31 % of the divergence`.
  public var origin: String?

  /// The limit without a figure: the option `same-tokens`.
  package static let sameTokens = "same-tokens"

  /// The limit on errors in the candidate's file, which no option sets.
  package static let fileErrors = "file-errors"
}
