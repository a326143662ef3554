import WeightmillGGUF
import WeightmillTensors

/// Whether tensors lie where llama.cpp expects them: one after the other, in the order of the header.
enum LayoutCheck {
  /// Checks the files of a model.
  ///
  /// - Parameters:
  ///   - files: The GGUF files.
  ///   - findings: Where to add what is found.
  /// - Throws: The errors of opening them.
  static func check(files: [String], _ findings: inout FindingList) throws(WeightmillError) {
    for path in files {
      let file = try GGUFFile(path: path)
      var end = 0
      for (tensor, offset) in zip(file.tensors, file.offsets) {
        guard offset == end else {
          findings.error(
            "layout", tensor: tensor.name,
            "\(tensor.name) lies at byte \(offset) of the data; llama.cpp expects it at \(end), "
              + "after the tensor before it, and refuses the file; write it anew with "
              + "`weightmill quantize`")
          break
        }
        end = (offset + tensor.byteCount + file.alignment - 1) / file.alignment * file.alignment
      }
    }
  }
}
