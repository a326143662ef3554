import Foundation
import Testing
import WeightmillTestSupport

/// One file or folder of `Tests/Corpus`, and what the executable must do with it.
struct CorpusCase: Codable, Sendable, CustomTestStringConvertible {
  struct Tensor: Codable, Sendable {
    let name: String
    let dtype: String
    let shape: [Int]
    let sha256: String

    /// Everything about it, to compare: names are compared byte for byte.
    var bytes: [UInt8] { Array("\(dtype) \(shape) \(sha256) \(name)".utf8) }
  }

  enum Expectation: String, Codable, Sendable {
    /// Refused with one of `codes`.
    case reject
    /// Read, with exactly these tensors or ids.
    case accept
    /// One or the other.
    case either
  }

  let name: String
  /// Below `Tests/Corpus/files`.
  let path: String
  let rules: [String]
  /// What it is, in a few words.
  let what: String
  /// The command line, in which `PATH` stands for the path.
  let arguments: [String]
  let expect: Expectation
  let codes: [Int32]?
  let tensors: [Tensor]?
  let ids: [Int]?

  var testDescription: String { "\(name) (\(rules.joined(separator: ", "))): \(what)" }

  /// The command line.
  var commandLine: [String] {
    arguments.map { $0.hasPrefix("PATH") ? Self.folder + "/files/" + path + $0.dropFirst(4) : $0 }
  }

  /// Where the corpus lies.
  static let folder = "\(Fixtures.package)/Tests/Corpus"

  /// All cases of the manifest; none when it cannot be read.
  static let all: [CorpusCase] = {
    let url = URL(fileURLWithPath: "\(folder)/manifest.json")
    let manifest = (try? Data(contentsOf: url)).flatMap {
      try? JSONDecoder().decode([String: [CorpusCase]].self, from: $0)
    }
    return manifest?["cases"] ?? []
  }()
}
