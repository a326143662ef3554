/// All that a comparison of two models found: what `--json` prints, and what pages are drawn from.
///
/// The fields are described in `formats/verification-report.md`. Divergences are KL(reference‖candidate)
/// in nats; shares and relative errors are 0 to 1.
public struct VerificationReport: Codable, Equatable, Sendable {
  /// The number of this layout.
  public static let currentSchema = 1

  /// The layout's number; a reader refuses others.
  public var schema = currentSchema
  /// The version of Weightmill that measured.
  public var version: String
  /// Whether the run was interrupted: the figures are of the text read until then.
  public var isPartial = false
  /// What was judged.
  public var candidate: Subject
  /// What it was judged by.
  public var reference: Subject
  /// How it was measured.
  public var settings: Settings
  /// Each text by itself, in the order given.
  public var texts: [TextResult]
  /// All texts together.
  public var total: LogitStatistics
  /// Both tokenizers on the texts; `nil` when one side has none, or ids were given.
  public var tokenizers: TokenizerResult?
  /// Positions with the largest divergence, worst first.
  public var worst: [WorstPosition]
  /// Divergence along the text, for drawing.
  public var profile: [ProfileBin]
  /// How often which divergence occurs, for drawing.
  public var histogram: [HistogramBin]
  /// Relative error of the residual stream: first the embeddings, then after each layer.
  public var layers: [LayerDrift]
  /// What each tensor adds to the error, in the model's order.
  public var tensors: [TensorError]
  /// What each tensor or group contributes to the divergence, largest first; empty without
  /// `--attribute`.
  public var attribution: [AttributedDivergence] = []
  /// How many tokens the attribution was measured on.
  public var attributionTokens: Int?
  /// What is wrong or worth knowing in the candidate's file.
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
  public struct Subject: Codable, Equatable, Sendable {
    /// The path, and what was merged into it: `base + delta`.
    public var name: String
    /// The bytes of its tensors; `nil` for saved logits.
    public var bytes: Int?
    /// The number of its weights; `nil` for saved logits.
    public var parameters: Int?
    /// How many tensors there are of which type, such as `Q4_K: 25`.
    public var types: [String: Int]
    /// Bits for each weight; `nil` for saved logits.
    public var bitsPerWeight: Double?

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

  /// How a comparison was made.
  public struct Settings: Codable, Equatable, Sendable {
    /// How many tokens a window holds at most.
    public var context: Int
    /// Whether only the second half of each whole window was judged, as llama-perplexity does.
    public var isSecondHalf: Bool
    /// `single` or `double`.
    public var precision: String

    /// Makes one.
    package init(context: Int, isSecondHalf: Bool, precision: String) {
      self.context = context
      self.isSecondHalf = isSecondHalf
      self.precision = precision
    }
  }

  /// The figures of one text.
  public struct TextResult: Codable, Equatable, Sendable {
    /// Its path, or `prompt`.
    public var name: String
    /// How many tokens it has in its windows.
    public var tokens: Int
    /// How many windows.
    public var windows: Int
    /// The figures; `nil` when the run was interrupted before the text's turn.
    public var statistics: LogitStatistics?

    /// Makes one.
    package init(name: String, tokens: Int, windows: Int, statistics: LogitStatistics?) {
      self.name = name
      self.tokens = tokens
      self.windows = windows
      self.statistics = statistics
    }
  }

  /// Whether two tokenizers agree on the texts.
  public struct TokenizerResult: Codable, Equatable, Sendable {
    /// Whether they gave the same ids for every text.
    public var agree: Bool
    /// The first difference in words, with the text around it.
    public var difference: String?

    /// Makes one.
    package init(agree: Bool, difference: String?) {
      self.agree = agree
      self.difference = difference
    }
  }

  /// A position where the models differ most.
  public struct WorstPosition: Codable, Equatable, Sendable {
    /// The text's name.
    public var text: String
    /// The place of the token in the text's windows, from 0.
    public var position: Int
    /// The divergence, in nats.
    public var divergence: Double
    /// The text before and up to the position.
    public var before: String
    /// The token that the text has next; `nil` at the end of a window.
    public var next: String?
    /// The reference's five most likely tokens, the most likely first.
    public var reference: [Prediction]
    /// The candidate's.
    public var candidate: [Prediction]

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
  public struct Prediction: Codable, Equatable, Sendable {
    /// The id.
    public var id: Int
    /// The token's text, or its piece if it is not text by itself.
    public var token: String
    /// The probability, 0 to 1.
    public var probability: Double

    /// Makes one.
    package init(id: Int, token: String, probability: Double) {
      self.id = id
      self.token = token
      self.probability = probability
    }
  }

  /// The divergence of some positions that follow each other.
  public struct ProfileBin: Codable, Equatable, Sendable {
    /// The text's name.
    public var text: String
    /// The first position, counted through the positions judged of the text.
    public var first: Int
    /// How many positions.
    public var count: Int
    /// The mean divergence, in nats.
    public var mean: Double
    /// The largest.
    public var maximum: Double

    /// Makes one.
    package init(text: String, first: Int, count: Int, mean: Double, maximum: Double) {
      self.text = text
      self.first = first
      self.count = count
      self.mean = mean
      self.maximum = maximum
    }
  }

  /// How many positions have a divergence in a range; ranges are equal on a logarithmic scale.
  public struct HistogramBin: Codable, Equatable, Sendable {
    /// From this divergence on, in nats; 0 for the first.
    public var from: Double
    /// Up to this, exclusive; infinite for the last.
    public var to: Double
    /// How many positions.
    public var count: Int

    /// Makes one.
    package init(from: Double, to: Double, count: Int) {
      self.from = from
      self.to = to
      self.count = count
    }
  }

  /// How far the candidate's residual stream is from the reference's.
  public struct LayerDrift: Codable, Equatable, Sendable {
    /// The layer; -1 for the embeddings.
    public var layer: Int
    /// ‖candidate − reference‖ / ‖reference‖ over all tokens.
    public var relativeError: Double

    /// Makes one.
    package init(layer: Int, relativeError: Double) {
      self.layer = layer
      self.relativeError = relativeError
    }
  }

  /// What a tensor's change adds to its own output.
  public struct TensorError: Codable, Equatable, Sendable {
    /// The candidate's name of it.
    public var name: String
    /// The candidate's type.
    public var type: String
    /// The layer; `nil` for embeddings, last norm and output.
    public var layer: Int?
    /// What it is in its layer, such as `ffn_down`; the name without `.weight` outside layers.
    public var kind: String
    /// ‖(W − W′)x‖ / ‖Wx‖ on the reference's activations; for a norm, of the gains themselves.
    public var relativeError: Double
    /// Bytes in the candidate.
    public var bytes: Int

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
