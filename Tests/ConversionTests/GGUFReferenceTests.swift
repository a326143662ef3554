import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// The converted F16 file holds what llama.cpp's own converter writes (`gguf-reference.json`).
struct GGUFReferenceTests {
  private let reference: [String: Any]
  private let folder: TemporaryFolder
  private let file: GGUFFile

  init() throws {
    let json = try Fixtures.json(Fixtures.miniZiya("expected/gguf-reference.json"))
    reference = try #require(json as? [String: Any])
    folder = try TemporaryFolder()
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    let plan = try ConversionPlan(convert: model, to: .f16, name: "mini-ziya")
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("x.gguf"), overwrite: false)
    file = try GGUFFile(path: folder("x.gguf"))
  }

  @Test func everyTensorHasLlamaCppsDigest() throws {
    let expected = try #require(reference["tensors"] as? [String: [String: Any]])
    #expect(Set(file.tensors.map(\.name)) == Set(expected.keys))
    for (index, tensor) in file.tensors.enumerated() {
      let item = try #require(expected[tensor.name])
      #expect(tensor.type.name == item["type"] as? String)
      #expect(tensor.shape.extents.reversed() == item["dims"] as? [Int])
      #expect(
        try sha256(ofTensor: index, in: file) == item["sha256"] as? String, "\(tensor.name)")
    }
  }

  @Test func everyKeyHasLlamaCppsTypeAndValue() throws {
    let expected = try #require(reference["metadata"] as? [String: [String: Any]])
    let theirs = file.metadata.entries.map(\.key).filter { !$0.hasPrefix("weightmill.") }
    #expect(Set(theirs).subtracting(["tokenizer.chat_template"]) == Set(expected.keys))
    for (key, item) in expected where !["general.name", "general.size_label"].contains(key) {
      let value = try #require(file.metadata[key], "\(key)")
      #expect(types(value) == item["type"] as? [String], "\(key)")
      if case .array(_, let elements) = value {
        #expect(elements.count == item["count"] as? Int)
        #expect(
          sha256(Array(pythonJSON(elements).utf8)) == item["sha256_json"] as? String, "\(key)")
      } else {
        #expect(matches(value, item["value"]), "\(key)")
      }
    }
  }

  private func types(_ value: GGUFValue) -> [String] {
    let names: [GGUFValue.Kind: String] = [
      .uint32: "UINT32", .int32: "INT32", .float32: "FLOAT32", .bool: "BOOL", .string: "STRING",
    ]
    if case .array(let kind, _) = value { return ["ARRAY", names[kind] ?? "?"] }
    return [names[value.kind] ?? "?"]
  }

  private func matches(_ value: GGUFValue, _ expected: Any?) -> Bool {
    if let text = value.string { return text == expected as? String }
    if let bool = value.bool { return bool == expected as? Bool }
    if let integer = value.integer { return integer == expected as? Int }
    return value.double == expected as? Double
  }

  /// `json.dumps(list, ensure_ascii=False)` of Python.
  private func pythonJSON(_ elements: [GGUFValue]) -> String {
    let texts = elements.map { element -> String in
      if let integer = element.integer { return "\(integer)" }
      if let double = element.double { return "\(double)" }
      var text = "\""
      for scalar in (element.string ?? "").unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        default: text.unicodeScalars.append(scalar)
        }
      }
      return text + "\""
    }
    return "[" + texts.joined(separator: ", ") + "]"
  }
}
