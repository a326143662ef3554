import WeightmillTensors
import WeightmillTokenization

/// The tokenizer that lies beside a model's weights.
struct FoundTokenizer {
  /// Its files; `nil` when there are none that are understood.
  let files: TokenizerFiles?
  /// The tokenizer, with a token for each embedding row.
  let tokenizer: ModelTokenizer?
  /// Why a `tokenizer.json` that is the only one cannot be used: an error for work that needs it,
  /// and for no other.
  let obstacle: WeightmillError?

  /// Looks into the folder of a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - rows: The rows of the model's embedding.
  /// - Throws: The errors of a `tokenizer.model` and of the files that go with it.
  init(_ checkpoint: Checkpoint, rows: Int) throws(WeightmillError) {
    let folder = try Folder(checkpoint.folder)
    var found: (files: TokenizerFiles?, tokenizer: ModelTokenizer?)
    var obstacle: WeightmillError?
    found.files = try TokenizerFiles(folder, checkpoint)
    if let files = found.files {
      found.tokenizer = try files.tokenizer(rows: rows)
    } else {
      do throws(WeightmillError) {
        let files = try TokenizerFiles(bytePairs: folder, checkpoint)
        found = (files, try files?.tokenizer(rows: rows))
      } catch {
        obstacle = error
      }
    }
    (files, tokenizer, self.obstacle) = (found.files, found.tokenizer, obstacle)
  }
}
