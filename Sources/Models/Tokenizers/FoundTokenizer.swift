import WeightmillGGUF
import WeightmillTensors
import WeightmillTokenization

/// The tokenizer that lies beside a model's weights, or in its GGUF file.
struct FoundTokenizer {
  /// Its files; `nil` when there are none that are understood.
  private(set) var files: TokenizerFiles?
  /// The tokenizer, with a token for each embedding row.
  private(set) var tokenizer: ModelTokenizer?
  /// Why one of byte pairs cannot be used: an error for work that needs it, and for no other.
  private(set) var obstacle: WeightmillError?
  /// What the user should know.
  private(set) var notes: [String] = []

  /// Looks into the folder of a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - rows: The rows of the model's embedding.
  ///   - name: llama.cpp's name for the way byte pairs cut text, whatever the files say.
  /// - Throws: The errors of a SentencePiece model and of the files that go with it.
  init(_ checkpoint: Checkpoint, rows: Int, cutAsIn name: String?) throws(WeightmillError) {
    let folder = try Folder(checkpoint.folder)
    let isRequired = try TokenizerFiles.isSentencePiece(folder, checkpoint)
    do throws(WeightmillError) {
      files = try TokenizerFiles(folder, checkpoint)
      notes = files?.notes ?? []
      if let read = try files?.tokenizer(rows: rows, cutAsIn: name) {
        tokenizer = read.tokenizer
        notes += read.notes
      }
    } catch {
      if isRequired { throw error }
      obstacle = error
    }
  }

  /// Looks into the metadata of a GGUF file.
  ///
  /// - Parameters:
  ///   - metadata: The metadata.
  ///   - location: The file, for messages.
  ///   - name: llama.cpp's name for the way byte pairs cut text, whatever the file says.
  /// - Throws: The errors of a SentencePiece vocabulary.
  init(
    _ metadata: GGUFMetadata, location: String, cutAsIn name: String?
  ) throws(WeightmillError) {
    let isBytePairs =
      metadata["tokenizer.ggml.model"]?.string == ModelTokenizer.Kind.bytePairs.rawValue
    do throws(WeightmillError) {
      tokenizer = try ModelTokenizer(gguf: metadata, location: location, cutAsIn: name)
    } catch {
      if !isBytePairs { throw error }
      obstacle = error
    }
    if isBytePairs, name == nil, metadata["tokenizer.ggml.pre"] == nil {
      notes = [
        "the file does not say how text is cut into words (tokenizer.ggml.pre): it is cut as "
          + "llama.cpp does then, by \"default\"; if you know the name, give --pre"
      ]
    }
  }
}
