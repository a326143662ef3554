import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Values that a far larger one of their block drowned.
struct OutlierTests {
  private static let types = RowEncoder.types.filter { !$0.isScalar }
  private static let columns = 2048

  private func encode(
    _ values: [Float], _ type: TensorType
  ) throws -> (faults: EncodingFaults, decoded: [Float]) {
    let encoder = try RowEncoder(type, columns: Self.columns, location: "test")
    var bytes = [UInt8](
      repeating: 0, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    let faults = encoder.encode(values, into: &bytes)
    var decoded = [Float](repeating: 0, count: values.count)
    try RowDecoder(type, location: "test").decode(bytes, into: &decoded)
    return (faults, decoded)
  }

  private func ordinary(rows: Int = 1, seed: UInt64 = 7) -> [Float] {
    var random = SeededGenerator(seed: seed)
    return (0..<rows * Self.columns).map { _ in 0.02 * random.gaussian() }
  }

  // MARK: The rule, written plainly

  /// The values that share a scale: section 2 of formats/quantization.md.
  private func part(_ type: TensorType) -> Int {
    switch type {
    case .q2_K, .q3_K, .q6_K, .iq2_XS, .iq2_S, .iq1_M: 16
    case .tq1_0, .tq2_0: 256
    case .q1_0, .q2_0: type.valuesPerBlock
    default: 32
    }
  }

  /// What is drowned in some values: how many, and how many times eightfold the largest is, squared.
  private func drowned(
    _ values: ArraySlice<Float>, _ decoded: [Float], least: Double
  ) -> (count: Int, ratio: Double)? {
    guard let largest = values.indices.max(by: { abs(values[$0]) < abs(values[$1]) }) else {
      return nil
    }
    let others = values.indices.filter { $0 != largest }
    let power = others.reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }
    let error = others.reduce(0.0) {
      let distance = Double(values[$1]) - Double(decoded[$1])
      return $0 + distance * distance
    }
    let mean = power / Double(others.count)
    let ratio = Double(values[largest]) * Double(values[largest]) / mean / 64
    guard power > 0, ratio >= 1, error >= power / 64, mean >= least else { return nil }
    return (others.count { values[$0] != 0 }, ratio)
  }

  /// The count of a row, and the weight of what is no more than 64 times the others.
  private func expected(_ row: [Float], _ decoded: [Float], _ type: TensorType) -> (Int, Int) {
    let (block, part) = (type.valuesPerBlock, part(type))
    let parts = stride(from: 0, to: row.count, by: part).map { row[$0..<$0 + part] }
    let means = parts.compactMap { values -> Double? in
      let power = values.reduce(0.0) { $0 + Double($1) * Double($1) }
      let peak = values.map { Double($0) * Double($0) }.max() ?? 0
      return peak * Double(part - 1) < 64 * (power - peak) ? power / Double(part) : nil
    }
    let least = means.reduce(0, +) / Double(means.count) / 16
    var (count, weight) = (0, 0)
    func add(_ found: (count: Int, ratio: Double)) {
      count += found.count
      weight += found.count * (found.ratio >= 64 ? 1 << 40 : Int(found.ratio))
    }
    for first in stride(from: 0, to: row.count, by: block) {
      let whole = row[first..<first + block]
      if let found = drowned(whole, decoded, least: least) {
        add(found)
        continue
      }
      for start in stride(from: first, to: first + block, by: part) where block > part {
        if let found = drowned(row[start..<start + part], decoded, least: least) { add(found) }
      }
    }
    return (count, weight)
  }

  @Test(arguments: types)
  func whatIsDrownedIsCounted(type: TensorType) throws {
    var total = 0
    for (seed, ratio) in [7.9, 8.1, 12, 20, 40, 63, 65, 1000, 1e5].enumerated() {
      var row = ordinary(seed: UInt64(seed))
      for number in 0..<6 {
        let first = 256 * number + 32 * number
        row.plantOutlier(first..<first + part(type), ratio: ratio)
      }
      let (faults, decoded) = try encode(row, type)
      let (count, weight) = expected(row, decoded, type)
      #expect(faults.lost == count, "\(ratio)")
      #expect(faults.drowned.weight == weight, "\(ratio)")
      total += count
    }
    #expect(total > 0)
  }

  @Test(arguments: types)
  func ordinaryRowsLoseNothing(type: TensorType) throws {
    let faults = try encode(ordinary(rows: 8), type).faults
    #expect(faults.drowned == DrownedValues())
    #expect(faults.overflowed == 0)
  }

  /// Four and fewer bits leave little beside a value that is eight times the others.
  @Test(arguments: types.filter { ![.q8_0, .q6_K, .q5_K, .q5_0, .q5_1].contains($0) })
  func oneInEachPartIsReportedFromEightTimesOn(type: TensorType) throws {
    for (ratio, isReported) in [(8.1, true), (7.9, false)] {
      var values = ordinary(rows: 4)
      values.plantOutliers(inEach: part(type), ratio: ratio)
      let faults = try encode(values, type).faults
      #expect(faults.drowned.isReported(among: values.count) == isReported, "\(ratio)")
    }
  }

  @Test func whatIsSmallBesideItsRowDoesNotMatter() throws {
    var values = ordinary()
    for index in 0..<32 { values[index] /= 10 }
    values.plantOutlier(0..<32, ratio: 500)
    #expect(try encode(values, .q4_0).faults.lost == 0)
    values = ordinary()
    values.plantOutlier(0..<32, ratio: 500)
    #expect(try encode(values, .q4_0).faults.lost == 31)
  }

  /// Parts of a tensor of a thousand rows.
  @Test func strongerOutliersAreReportedSooner() throws {
    let values = 1 << 20
    func weight(_ ratio: Double) throws -> Int {
      var row = ordinary()
      row.plantOutlier(32..<64, ratio: ratio)
      return try encode(row, .q4_0).faults.drowned.weight
    }
    func isReported(_ weight: Int, parts: Int) -> Bool {
      DrownedValues(count: 31 * parts, weight: weight * parts).isReported(among: values)
    }
    let (weak, strong, extreme) = try (weight(9), weight(33), weight(65))
    // One in 24 of the values, or one in 384, or one block.
    #expect(isReported(weak, parts: 1410) && !isReported(weak, parts: 1409))
    #expect(isReported(strong, parts: 83) && !isReported(strong, parts: 82))
    #expect(isReported(extreme, parts: 1))
  }

  @Test func zerosAndAnythingFiniteAreCountedWithoutATrap() throws {
    var random = SeededGenerator(seed: 3)
    for type in Self.types {
      var values = [Float](repeating: 0, count: Self.columns)
      for index in stride(from: 0, to: values.count, by: 97) {
        let bits = UInt32(truncatingIfNeeded: random.next()) & 0xFF7F_FFFF
        values[index] = Float(bitPattern: bits)
      }
      values[5] = .greatestFiniteMagnitude
      _ = try encode(values, type)
    }
    var all = DrownedValues(count: .max, weight: .max)
    all.add(DrownedValues(count: 1, weight: 1))
    #expect(all == DrownedValues(count: .max, weight: .max))
  }
}
