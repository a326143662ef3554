import Testing
import WeightmillAllocation
import WeightmillTensors
import WeightmillTestSupport

/// Files of sensitivities, honest and hostile.
struct SensitivityFileTests {
  private static let honest = """
    {"sensitivities": 1, "model": "ab", "importance": "",
     "text": {"names": ["a.txt"], "digest": "cd", "tokens": 64, "sample": 32},
     "types": ["Q3_K", "Q8_0"], "uniform": [{"type": "Q3_K", "divergence": 0.5}],
     "matrices": [{"name": "a", "rows": 2, "columns": 256, "probe": "Q3_K",
                   "divergence": 0.25, "errors": {"Q3_K": 0.125, "Q8_0": 1e-05}}]}
    """

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ text: String) throws -> Sensitivities {
    try SensitivityFile.read(try folder.write(text.utf8, to: "x.json"))
  }

  @Test func anHonestFileIsRead() throws {
    let found = try read(Self.honest)
    #expect(found.isComplete)
    #expect(found.matrices[0].errors == [.q3_K: 0.125, .q8_0: 1e-5])
    #expect(found.origin.types == [.q3_K, .q8_0])
    #expect(!(try read(Self.honest.replacing("0.25,", with: "null,"))).isComplete)
  }

  @Test(arguments: [
    ("{\"sensitivities\": 1,", "{", "is no file of sensitivities"),
    ("\"tokens\": 64", "\"tokens\": 0", "does not say what was measured"),
    ("\"tokens\": 64", "\"tokens\": 1e3", "does not say what was measured"),
    ("\"Q3_K\", \"Q8_0\"]", "\"Q3_K\", \"Q9_0\"]", "names no type"),
    ("\"Q3_K\", \"Q8_0\"]", "\"Q3_K\", \"I32\"]", "names no type"),
    ("\"rows\": 2", "\"rows\": -2", "lacks a name, a shape"),
    ("\"rows\": 2", "\"rows\": 99999999999999999999", "lacks a name, a shape"),
    ("\"rows\": 2", "\"rows\": 9223372036854775807", "lacks a name, a shape"),
    ("\"columns\": 256", "\"columns\": 255", "no error that Q3_K could have"),
    ("0.125", "-0.125", "no error that Q3_K could have"),
    ("0.125", "1e999", "no error that Q3_K could have"),
    ("\"probe\": \"Q3_K\"", "\"probe\": \"Q4_K\"", "no error of its probe"),
    ("0.25", "-1", "no divergence that could be"), ("0.25", "\"x\"", "no divergence that could be"),
    ("0.5", "-1", "in one type without divergence"), ("\"uniform\"", "\"u\"", "lacks matrices"),
    ("\"sensitivities\": 1", "\"sensitivities\": \"1\"", "is no file of sensitivities"),
  ]) func whatCannotBeIsRefused(part: String, other: String, problem: String) throws {
    let error = expectError(.malformed) {
      _ = try read(Self.honest.replacing(part, with: other, maxReplacements: 1))
    }
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    #expect(error?.remedy?.contains("weightmill sensitivity") == true)
  }

  @Test func twoOfANameAreRefused() throws {
    let matrix = try #require(Self.honest.firstMatch(of: /\{"name".*\}\}/.dotMatchesNewlines()))
    let body = String(matrix.0.dropLast(2))
    _ = expectError(.malformed) {
      _ = try read(Self.honest.replacing("]}", with: ", \(body)}]}", maxReplacements: 1))
    }
  }

  @Test func aLaterVersionIsNamed() throws {
    let error = expectError(.unsupported) {
      _ = try read(Self.honest.replacing("\"sensitivities\": 1", with: "\"sensitivities\": 2"))
    }
    #expect(error?.problem.contains("version 2") == true)
  }
}
