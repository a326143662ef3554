package import WeightmillCalibration
package import WeightmillLLaMA
package import WeightmillQuantization
import WeightmillTensors
import WeightmillTokenization

/// The importance that the text of a calibration gives, gathered while its moments are.
///
/// It is of the windows that are learnt from, and of the inputs that the model itself has.
package final class ImportanceOnTheWay {
  private let architecture: Architecture
  private var gathered: [[TensorRole]: InputSums] = [:]
  private var entries: [TensorName: ImportanceMatrix.Entry] = [:]

  /// Begins with nothing.
  ///
  /// - Parameter architecture: The model's, which gives the matrices their names.
  package init(_ architecture: Architecture) { self.architecture = architecture }

  func add(_ input: Activations, of matrices: [TensorRole]) {
    gathered[matrices, default: InputSums(columns: input.columns)].add(input)
  }

  func add(_ entry: ImportanceMatrix.Entry, of name: String) { entries[TensorName(name)] = entry }

  /// The importance as `weightmill imatrix` gives it.
  ///
  /// - Parameter text: The text.
  /// - Returns: The matrix.
  package func matrix(of text: CalibrationText) -> ImportanceMatrix {
    var entries = entries
    for (matrices, sums) in gathered {
      for matrix in matrices {
        entries[TensorName(NamingScheme.gguf.name(of: matrix, in: architecture))] = sums.entry
      }
    }
    return ImportanceMatrix(
      entries: entries, datasets: text.names, chunkCount: text.windows.windows.count,
      chunkSize: text.context)
  }
}
