package import WeightmillLLaMA
import WeightmillTensors

/// The sum of all values of a merged model, as the scripts of Alpaca and KnowLM make it.
///
/// They add each tensor's sum, a float32, to a float32, in the order of the state dict. What the
/// order rounds away is more than the 0.01 they allow: on random weights of the size of a 7B the
/// exact sum is 0.011 to 0.019 off, this one at most 0.004. The state dict has the rotary
/// frequencies of each layer, which transformers kept in it until July 2023.
///
/// Source: `weight_diff.py` of Stanford Alpaca.
package struct ValueSum: Sendable {
  /// The sum with rotary frequencies, as the published ones were made.
  package let value: Float
  /// The sum without them, as newer versions of transformers give it.
  package let valueWithoutFrequencies: Float

  /// Adds up the sums of a merged model's tensors.
  ///
  /// Returns `nil` when some of its rows were not read.
  ///
  /// - Parameters:
  ///   - catalogue: The merged tensors in Hugging Face's names.
  ///   - configuration: The model's sizes.
  package init?(_ catalogue: SummedCatalogue, _ configuration: LlamaConfiguration) {
    guard let sums = catalogue.sums, let index = try? TensorIndex(catalogue) else { return nil }
    func sum(_ role: TensorRole) -> Float {
      index[NamingScheme.huggingFace.name(of: role, in: configuration.architecture)].map {
        Float(sums[$0])
      } ?? 0
    }
    let frequencies = Self.frequencies(configuration)
    let order: [TensorRole.LayerTensor?] = [
      .query, .key, .value, .attentionOutput, nil, .gate, .down, .up, .attentionNorm,
      .feedForwardNorm,
    ]
    var (with, without) = (sum(.tokenEmbedding), sum(.tokenEmbedding))
    func add(_ role: TensorRole) {
      with += sum(role)
      without += sum(role)
    }
    for layer in 0..<configuration.layerCount {
      for tensor in order {
        if let tensor { add(.layer(layer, tensor)) } else { with += frequencies }
      }
    }
    add(.outputNorm)
    add(.output)
    value = with
    valueWithoutFrequencies = without
  }

  /// The sum of a layer's rotary frequencies.
  private static func frequencies(_ configuration: LlamaConfiguration) -> Float {
    let width = configuration.headDimension
    let sum = (0..<width / 2).reduce(0.0) { sum, pair in
      sum
        + Double(
          Float(1 / Elementary.power(configuration.ropeBase, Double(2 * pair) / Double(width))))
    }
    return Float(sum)
  }

  /// Whether one of the two sums is a published one.
  ///
  /// - Parameter published: The published sum.
  /// - Returns: Whether it is, within the 0.01 that the scripts allow.
  package func agrees(with published: Double) -> Bool {
    [value, valueWithoutFrequencies].contains { abs(Double($0) - published) <= 0.01 }
  }
}
