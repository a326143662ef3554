import Foundation
import Tensors
import Verification

extension VerificationReport {
  init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    let bytes = try file.bytes(at: 0, count: file.byteCount)
    do { self = try JSONDecoder().decode(VerificationReport.self, from: Data(bytes)) } catch {
      throw WeightmillError(.malformed, path, "no report")
    }
  }
}
