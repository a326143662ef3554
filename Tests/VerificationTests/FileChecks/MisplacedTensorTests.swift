import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// A tensor that is not the reference's is told by what it holds instead.
struct MisplacedTensorTests {
  private let files: CheckedFiles

  init() throws { files = try CheckedFiles() }

  /// The rows of a tensor in another order, head by head.
  private func reorder(
    _ file: inout RewrittenGGUF, _ name: String, head: Int, _ source: (Int) -> Int
  ) {
    let rows = file.rows(name)
    file[name] = rows.indices.flatMap { rows[$0 / head * head + source($0 % head)] }
  }

  /// What a converter leaves that does not permute: queries and keys in Hugging Face's order.
  @Test(arguments: [TypeMix.f16, .q8_0, .q4_K_M, .q2_K])
  func rowsInHuggingFacesOrderAreNamed(mix: TypeMix) throws {
    let found = try files.findings(mix) { file in
      for layer in 0..<4 {
        for kind in ["attn_q", "attn_k"] {
          reorder(&file, "blk.\(layer).\(kind).weight", head: 64) { $0 % 32 * 2 + $0 / 32 }
        }
      }
    }
    found.only("row-order", .error, containing: "Hugging Face's order")
    #expect(found.count == 1)
    #expect(found[0].message.contains("8 tensors"))
    #expect(found[0].message.contains("convert it again"))
  }

  /// What a converter leaves that permutes Meta's weights, which are in GGUF's order.
  @Test func rowsPermutedTwiceAreNamed() throws {
    let name = "blk.1.attn_k.weight"
    let found = try files.findings(.q4_0) { file in
      reorder(&file, name, head: 64) { $0 % 2 * 32 + $0 / 2 }
    }
    found.only("row-order", .error, containing: "as if they had been in Hugging Face's order")
    #expect(found.map(\.tensor) == [name])
  }

  @Test func keysPermutedWithTheNumberOfQueryHeadsAreNamed() throws {
    var small = SmallModel(keyValueHeads: 2)
    small.heads = 4
    let model = try ModelLoader.load(small.write(to: files.folder, "small"))
    let found = try files.findings(model, .f16) { file in
      // Back to Hugging Face's order, then as if there were four heads of eight rows.
      reorder(&file, "blk.0.attn_k.weight", head: 16) { $0 % 8 * 2 + $0 / 8 }
      reorder(&file, "blk.0.attn_k.weight", head: 8) { $0 % 2 * 4 + $0 / 2 }
    }
    found.only("row-order", .error, containing: "the number of query heads")
  }

  @Test func exchangedTensorsAreNamed() throws {
    let found = try files.findings(.q8_0) { file in
      for layer in 0..<4 {
        let (gate, up) = ("blk.\(layer).ffn_gate.weight", "blk.\(layer).ffn_up.weight")
        (file[gate], file[up]) = (file[up], file[gate])
      }
    }
    #expect(found.map(\.check) == ["misplaced-tensor", "misplaced-tensor"])
    #expect(found.allSatisfy { $0.severity == .error })
    #expect(found.contains { $0.message.contains("holds the reference's ffn_up.weight") })
    #expect(found.contains { $0.message.contains("holds the reference's ffn_gate.weight") })
  }

  @Test func exchangedNormsAreNamed() throws {
    let found = try files.findings(.q8_0) { file in
      let (first, second) = ("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight")
      (file[first], file[second]) = (file[second], file[first])
    }
    #expect(found.map(\.check) == ["misplaced-tensor", "misplaced-tensor"])
  }

  /// Layer 1 is left out, the others moved up.
  @Test func layersThatMovedAreNamed() throws {
    let kind = "ffn_down.weight"
    let found = try files.findings(.q8_0) { file in
      file["blk.1.\(kind)"] = file["blk.2.\(kind)"]
      file["blk.2.\(kind)"] = file["blk.3.\(kind)"]
    }
    found.only(
      "misplaced-tensor", .error, containing: "\(kind) of the layer 1 further on")
    #expect(found[0].message.contains("2 tensors"))
  }

  @Test func rowsOfTokensThatMovedAreNamed() throws {
    let found = try files.findings(.q8_0) { file in
      for name in ["token_embd.weight", "output.weight"] {
        let rows = file.rows(name)
        // A token was put in before id 1000.
        file[name] = (rows[..<1000] + [rows[5]] + rows[1000..<rows.count - 1]).flatMap { $0 }
      }
    }
    found.only("shifted-rows", .error, containing: "rows 1 further back")
    #expect(found.count == 1)
    #expect(found[0].message.contains("from row 1000 on"))
  }

  @Test func transposedMatricesAreNamed() throws {
    let name = "blk.0.attn_v.weight"
    let found = try files.findings(.f32) { file in
      let rows = file.rows(name)
      file[name] = rows.indices.flatMap { column in
        rows.flatMap { $0[column * 4..<column * 4 + 4] }
      }
    }
    found.only("misplaced-tensor", .error, containing: "rows and columns exchanged")
  }

  @Test func anotherModelIsNotTakenForTheReference() throws {
    let (a, b) = (SmallModel(layers: 2, seed: 1), SmallModel(layers: 2, seed: 2))
    let candidate = try ModelLoader.load(a.write(to: files.folder, "a"))
    let reference = try ModelLoader.load(b.write(to: files.folder, "b"))
    let file = try ModelLoader.load(files.convert(candidate, to: .f16))
    let found = try CheckedFiles.check(file, reference)
    #expect(found.contains { $0.check == "tensor-error" && $0.severity == .error })
    #expect(found.contains { $0.message.contains("is the reference the model") })
  }

  @Test func aRelatedModelIsAWarning() throws {
    var small = SmallModel(layers: 2)
    let candidate = try ModelLoader.load(small.write(to: files.folder, "a"))
    small.change = { _, values in
      for index in values.indices { values[index] += index % 2 == 0 ? 0.01 : -0.01 }
    }
    let reference = try ModelLoader.load(small.write(to: files.folder, "b"))
    let file = try ModelLoader.load(files.convert(candidate, to: .f16))
    let found = try CheckedFiles.check(file, reference)
    #expect(found.severities == ["warning"])
    #expect(found.contains { $0.message.contains("than rounding to F16 explains") })
  }

  @Test func anOutputMatrixThatIsMissingIsFound() throws {
    let found = try files.findings(.q8_0) { file in
      file.tensors.removeAll { $0.descriptor.name == "output.weight" }
    }
    found.only("tied-output", .error, containing: "output.weight is missing")
  }

  @Test func anOutputMatrixThatRepeatsTheEmbeddingsIsANote() throws {
    var small = SmallModel()
    small.tiesEmbeddings = true
    small.omitted = ["lm_head.weight"]
    let model = try ModelLoader.load(small.write(to: files.folder, "small"))
    #expect(try files.findings(model, .f16) == [])
    let found = try files.findings(model, .f16) { file in
      var output = file.tensors[0]
      #expect(output.descriptor.name == "token_embd.weight")
      output.descriptor = TensorDescriptor(
        name: "output.weight", type: .f16, shape: output.descriptor.shape)
      file.tensors.append(output)
    }
    found.only("tied-output", .note, containing: "is stored")
    #expect(found.count == 1)
  }
}
