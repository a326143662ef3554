import Testing
import WeightmillConversion
import WeightmillQuantizedSources
import WeightmillSafetensors
import WeightmillTensors
import WeightmillTestSupport

/// Matrices that other programs decoded: `fixtures/quantized/make.py`.
struct FixtureTests {
  @Test(arguments: [
    "gptq-2-v1", "gptq-3-v1-reordered", "gptq-4-v1", "gptq-4-v2-reordered", "gptq-8-v1-reordered",
    "awq", "fp8", "packed-4", "packed-4-asymmetric", "packed-8", "integers", "floats",
  ])
  func aMatrixIsDecodedAsTheProgramDoes(name: String) throws {
    let path = "\(Fixtures.package)/fixtures/quantized"
    let all = try #require(try Fixtures.json("\(path)/expected.json") as? [String: [String: Any]])
    let expected = try #require(all[name])
    let model: TensorType? = expected["model"] as? String == "bfloat16" ? .bf16 : nil
    let file = try SafetensorsFile(path: "\(path)/\(name).safetensors")
    let recipe = try #require(file.metadata.first?.value)
    let source = try #require(try QuantizedSource(file, recipe, type: model))
    let digests = try TensorDigest.all(of: source.catalogue, workers: Workers(threads: 2))
    let digest = try #require(digests.first)
    #expect(digests.count == 1 && digest.name == "a.weight")
    #expect(digest.shape == expected["shape"] as? [Int])
    #expect(digest.dtype == expected["type"] as? String)
    #expect(digest.sha256 == expected["sha256"] as? String)
  }
}
