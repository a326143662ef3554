import Testing
import WeightmillConversion
import WeightmillPyTorch
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Files that torch wrote hold what torch says they hold: `fixtures/pytorch/make.py`.
struct TorchFixtureTests {
  private static let folder = "\(Fixtures.package)/fixtures/pytorch"
  static let expected = try? JSONParser.parse(path: folder + "/expected.json").object
  static let files = expected?.members.map(\.name) ?? []

  @Test(arguments: files)
  func tensorsAreThoseThatTorchSaved(file: String) throws {
    let wanted = try #require(Self.expected?[file]?.array)
    let catalogue = try PyTorchFile(path: "\(Self.folder)/\(file)", selection: .everything)
    let digests = try TensorDigest.all(of: catalogue, workers: Workers(threads: 2))
    #expect(digests.map(\.name) == wanted.map { $0.object?["name"]?.string })
    #expect(digests.map(\.dtype) == wanted.map { $0.object?["dtype"]?.string })
    #expect(digests.map(\.sha256) == wanted.map { $0.object?["sha256"]?.string })
    #expect(
      digests.map(\.shape) == wanted.map { $0.object?["shape"]?.array?.compactMap(\.integer) })
  }

  @Test func thereAreFilesOfEveryKind() { #expect(Self.files.count == 13) }

  @Test(arguments: ["trainer.pt", "trainer-legacy.pt"])
  func theModelOfATrainersCheckpointIsFound(file: String) throws {
    let path = "\(Self.folder)/\(file)"
    let model = try PyTorchFile(path: path)
    #expect(model.tensors.map(\.name) == ["weight", "bias"])
    #expect(model.notes.contains { $0.contains("\"model\"") })
    let optimizer = try PyTorchFile(path: path, selection: .member("optimizer"))
    #expect(optimizer.tensors.map(\.name).first == "state.0.step")
    let error = expectError(.noInput) { _ = try PyTorchFile(path: path, selection: .member("ema")) }
    #expect(error?.problem.contains("\"optimizer\"") == true)
    expectError(.unsupported) { _ = try PyTorchFile(path: path, selection: .member("epoch")) }
  }
}
