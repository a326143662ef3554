import WeightmillLLaMA
public import WeightmillModels
public import WeightmillTensors

/// Two checkpoints, opened to be compared tensor by tensor.
///
/// Two LLaMA models are compared under Hugging Face's names and with its order of rows, whatever
/// files they are in. Everything else is compared under the names that the files have.
public struct ComparedCheckpoints: Sendable {
  /// The names under which tensors are compared.
  package enum Names: String, Encodable, Sendable {
    /// Hugging Face's names.
    case huggingFace
    /// The names in the files.
    case own
  }

  /// The tensors of side A.
  public let a: any Catalogue
  /// The tensors of side B.
  public let b: any Catalogue
  /// The names under which tensors are compared.
  package let names: Names
  /// How many neighbouring rows are best read together.
  let rowGroup: Int
  /// Notes for the user.
  public let notes: [String]

  /// Opens checkpoints.
  ///
  /// - Parameters:
  ///   - a: One, and what is to be merged into it.
  ///   - b: The other.
  /// - Throws: The errors of the formats, and of merging.
  public init(_ a: ModelRequest, _ b: ModelRequest) throws(WeightmillError) {
    let (first, second) = (try Subject(a), try Subject(b))
    var notes = first.notes + second.notes
    guard let left = first.model, let right = second.model else {
      for (name, subject) in [("A", first), ("B", second)] {
        guard let obstacle = subject.obstacle else { continue }
        notes.append(
          "tensors are compared under the files' own names, since \(name) is no LLaMA model to "
            + "Weightmill: \(obstacle)")
      }
      (self.a, self.b, names, rowGroup) = (first.catalogue, second.catalogue, .own, 1)
      self.notes = notes
      return
    }
    self.a = LlamaView(left, as: .huggingFace)
    self.b = LlamaView(right, as: .huggingFace)
    names = .huggingFace
    rowGroup = max(left.configuration.headDimension, right.configuration.headDimension)
    for (name, model) in [("A", left), ("B", right)] { notes += Self.notes(name, model) }
    self.notes = notes + Self.differences(left.configuration, right.configuration)
  }

  /// Compares catalogues under the names they have.
  ///
  /// - Parameters:
  ///   - a: One.
  ///   - b: The other.
  public init(_ a: any Catalogue, _ b: any Catalogue) {
    (self.a, self.b, names, rowGroup, notes) = (a, b, .own, 1, [])
  }

  /// One of the two checkpoints.
  private struct Subject {
    let catalogue: any Catalogue
    let model: LlamaModel?
    /// The reason why it is no model.
    let obstacle: WeightmillError?
    let notes: [String]

    init(_ request: ModelRequest) throws(WeightmillError) {
      guard request.delta == nil, request.adapters.isEmpty else {
        let merged = try ModelLoader.load(request)
        catalogue = merged.llama.catalogue
        model = merged.llama
        obstacle = nil
        notes = merged.notes
        return
      }
      let checkpoint = try Checkpoint(path: request.path, selection: request.selection)
      catalogue = checkpoint.catalogue
      do throws(WeightmillError) {
        (model, notes) = try ModelLoader.checkedModel(checkpoint)
        obstacle = nil
      } catch {
        model = nil
        notes = checkpoint.notes
        obstacle = error
      }
    }
  }

  private static func notes(_ name: String, _ model: LlamaModel) -> [String] {
    var notes: [String] = []
    let others = model.catalogue.tensors.count - model.roles.count
    if others > 0 {
      notes.append(
        "\(name): \(others) tensors of rotary frequencies are left out; they follow from the "
          + "configuration")
    }
    if model.tiesEmbeddings {
      notes.append("\(name) has no output matrix of its own: it is the embeddings'")
    }
    return notes
  }

  /// Notes on what the models do differently with the same tensors.
  private static func differences(
    _ a: LlamaConfiguration, _ b: LlamaConfiguration
  ) -> [String] {
    // GGUF files hold these as binary32.
    let numbers = [
      ("norm epsilon", Float(a.normEpsilon), Float(b.normEpsilon)),
      ("rope base", Float(a.ropeBase), Float(b.ropeBase)),
      ("head size", Float(a.headDimension), Float(b.headDimension)),
      ("context length", Float(a.contextLength), Float(b.contextLength)),
    ]
    return numbers.filter { $0.1 != $0.2 }.map { name, left, right in
      "the configurations differ: \(name) \(left) in A, \(right) in B"
    }
  }
}
