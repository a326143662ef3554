import WeightmillQuantizedSources
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Matrices of random codes, packed one bit after the other, and decoded by their definition: what the
/// readers are compared with.
struct PlainMatrix {
  let rows: Int
  let columns: Int
  let bits: Int
  /// The group of each column.
  var groups: [Int]
  let groupCount: Int
  /// `[row][column]`.
  private(set) var codes: [[Int]] = []
  /// `[row][group]`.
  private(set) var zeros: [[Int]] = []
  /// Binary16 numbers, `[row][group]`.
  private(set) var scales: [[Float]] = []

  init(rows: Int, columns: Int, bits: Int, width: Int, reordered: Bool = false, seed: UInt64 = 14) {
    var random = SeededGenerator(seed: seed)
    self.rows = rows
    self.columns = columns
    self.bits = bits
    groupCount = (columns + width - 1) / width
    groups = (0..<columns).map { $0 / width }
    if reordered { groups.shuffle(using: &random) }
    for _ in 0..<rows {
      codes.append((0..<columns).map { _ in Int.random(in: 0..<1 << bits, using: &random) })
      zeros.append((0..<groupCount).map { _ in Int.random(in: 0..<1 << bits, using: &random) })
      scales.append(
        (0..<groupCount).map { _ in Binary16.float(Binary16.bits(random.gaussian() * 0.01)) })
    }
  }

  /// The matrix in binary16.
  func decoded(withZeros: Bool = true) -> [UInt8] {
    var bytes = Bytes()
    for row in 0..<rows {
      for column in 0..<columns {
        let zero = withZeros ? zeros[row][groups[column]] : 1 << (bits - 1)
        bytes.put(
          Binary16.bits(Float(codes[row][column] - zero) * scales[row][groups[column]]))
      }
    }
    return bytes.all
  }

  /// Fields one after the other, the lowest bit of each first, in words of 32 bits.
  static func words(_ fields: [Int], bits: Int) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: (fields.count * bits + 31) / 32)
    for (index, field) in fields.enumerated() {
      for bit in 0..<bits where field >> bit & 1 == 1 {
        words[(index * bits + bit) / 32] |= 1 << UInt32((index * bits + bit) % 32)
      }
    }
    return words
  }

  /// Rows as columns.
  static func transposed<Element>(_ rows: [[Element]]) -> [[Element]] {
    (rows.first ?? []).indices.map { column in rows.map { $0[column] } }
  }

  /// The scales as binary16 numbers, `[row][group]` or, transposed, `[group][row]`.
  func scaleBits(transposed: Bool) -> [UInt16] {
    (transposed ? Self.transposed(scales) : scales).flatMap { $0.map(Binary16.bits) }
  }

  /// The tensors of GPTQ.
  func gptq(_ module: String = "a", version: Int, lists: Bool = true) -> StoredTensors {
    var tensors = StoredTensors()
    let packed = Self.transposed(codes.map { Self.words($0, bits: bits) })
    tensors.put("\(module).qweight", .i32, [packed.count, rows], numbers: packed.flatMap(\.self))
    var zeroWords = Self.transposed(zeros).map { Self.words($0, bits: bits) }
    if version == 1 {
      if bits == 3 {
        let less = zeros.map { $0.map { ($0 + 7) % 8 } }
        zeroWords = Self.transposed(less).map { Self.words($0, bits: 3) }
      } else {
        let ones = Self.words([Int](repeating: 1, count: 32 / bits), bits: bits)[0]
        zeroWords = zeroWords.map { $0.map { $0 &- ones } }
      }
    }
    tensors.put(
      "\(module).qzeros", .i32, [groupCount, zeroWords[0].count], numbers: zeroWords.flatMap(\.self)
    )
    tensors.put("\(module).scales", .f16, [groupCount, rows], numbers: scaleBits(transposed: true))
    if lists { tensors.put("\(module).g_idx", .i32, [columns], numbers: groups.map(Int32.init)) }
    return tensors
  }

  /// The tensors of AWQ.
  func awq(_ module: String = "a") -> StoredTensors {
    let order = [0, 2, 4, 6, 1, 3, 5, 7]
    func interleaved(_ fields: [Int]) -> [UInt32] {
      let ordered = fields.indices.map { fields[$0 / 8 * 8 + order[$0 % 8]] }
      return Self.words(ordered, bits: 4)
    }
    var tensors = StoredTensors()
    tensors.put(
      "\(module).qweight", .i32, [columns, rows / 8],
      numbers: Self.transposed(codes).flatMap(interleaved))
    tensors.put(
      "\(module).qzeros", .i32, [groupCount, rows / 8],
      numbers: Self.transposed(zeros).flatMap(interleaved))
    tensors.put("\(module).scales", .f16, [groupCount, rows], numbers: scaleBits(transposed: true))
    return tensors
  }

  /// The tensors of compressed-tensors' `pack-quantized`.
  func packed(
    _ module: String = "a", withZeros: Bool, lists: Bool = false
  ) -> StoredTensors {
    var tensors = StoredTensors()
    let words = codes.map { Self.words($0, bits: bits) }
    tensors.put(
      "\(module).weight_packed", .i32, [rows, words[0].count], numbers: words.flatMap(\.self))
    tensors.put(
      "\(module).weight_scale", .f16, [rows, groupCount], numbers: scaleBits(transposed: false))
    tensors.put("\(module).weight_shape", .i64, [2], numbers: [Int64(rows), Int64(columns)])
    if withZeros {
      let zeroWords = Self.transposed(
        Self.transposed(zeros).map { Self.words($0, bits: bits) })
      tensors.put(
        "\(module).weight_zero_point", .i32, [zeroWords.count, groupCount],
        numbers: zeroWords.flatMap(\.self))
    }
    if lists {
      tensors.put("\(module).weight_g_idx", .i32, [columns], numbers: groups.map(Int32.init))
    }
    return tensors
  }
}

extension QuantizedSource {
  /// Reads tensors by a recipe in JSON; `nil` for no recipe.
  init?(
    _ tensors: any Catalogue, _ recipe: String?, type: TensorType? = nil, panelBytes: Int = 1 << 20,
    hasBias: (String) -> Bool = { _ in true }
  ) throws {
    let json = try recipe.map { try JSONParser.parse(Array($0.utf8), file: "config.json") }
    try self.init(
      tensors,
      recipe: json.map { json throws(WeightmillError) in
        try Recipe(json, location: "config.json")
      }, type: type, panelBytes: panelBytes, hasBias: hasBias)
  }

  /// All rows of the matrix of this name.
  func matrix(_ name: String = "a.weight") throws -> [UInt8] {
    guard let index = catalogue.tensors.firstIndex(where: { $0.name == name }) else { return [] }
    return try catalogue.bytes(
      rows: 0..<catalogue.tensors[index].shape.rows, ofTensor: index)
  }
}
