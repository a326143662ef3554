import CWeightmillKernels
import Testing
import WeightmillTensors
import WeightmillTestSupport

/// Scales that are searched for numbers which somebody else chooses: not made longer afterwards.
struct SearchStepsTests {
  private static let searches = Array(0..<Int(WEIGHTMILL_SEARCHES))
  private static let count = 37

  /// A type's search.
  private struct Search {
    let number: Int32
    let symmetric: symmetric_rule?
    let affine: affine_rule?

    init(_ number: Int) {
      self.number = Int32(number)
      let rule = weightmill_rule_of(self.number, 1)
      symmetric = rule.symmetric?.pointee
      affine = rule.affine?.pointee
    }

    var parts: Int { Int(symmetric?.parts ?? affine?.parts ?? 0) }
    var size: Int { Int(symmetric?.size ?? affine?.size ?? 0) }
    var blockSize: Int { parts * size }
    var stretch: Float { symmetric?.stretch ?? affine?.stretch ?? 0 }
    var low: Float { symmetric?.low ?? 0 }
    var isUneven: Bool { symmetric.map { $0.uneven != 0 } ?? false }
  }

  /// Blocks of weights as models have them, of a few large ones, of zeros, and one that is too large.
  private func values(_ search: Search) -> [Float] {
    var random = SeededGenerator(seed: 71)
    return (0..<Self.count).flatMap { block in
      (0..<search.blockSize).map { index -> Float in
        switch block {
        case 3: 0
        case 4: index % 37 == 5 ? 4 : 0.01 * random.gaussian()
        case 5: 1e30
        default: 0.02 * random.gaussian() * (block % 4 == 0 ? random.gaussian() : 1)
        }
      }
    }
  }

  private func weights(_ search: Search) -> [Float] {
    var random = SeededGenerator(seed: 72)
    return (0..<search.blockSize).map { _ in 0.01 + random.gaussian() * random.gaussian() }.map(abs)
  }

  private func steps(_ search: Search, level: Int) -> [weightmill_block] {
    var found = [weightmill_block](repeating: weightmill_block(), count: Self.count)
    weightmill_search_steps(
      search.number, Int32(level), values(search), weights(search), search.blockSize, 0,
      Self.count, &found)
    return found
  }

  private func stretched(_ search: Search, level: Int) -> [weightmill_block] {
    var found = [weightmill_block](repeating: weightmill_block(), count: Self.count)
    weightmill_search(
      search.number, Int32(level), values(search), weights(search), search.blockSize, 0,
      Self.count, &found)
    return found
  }

  /// Bytes of a C array.
  private func bytes<Tuple>(_ tuple: Tuple, _ count: Int) -> [UInt8] {
    withUnsafeBytes(of: tuple) { Array($0.prefix(count)) }
  }

  @Test(arguments: searches, 0...2)
  func theyAreThoseOfPlainSwiftThatStretchesNothing(type: Int, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    let search = Search(type)
    var (symmetric, affine) = (search.symmetric, search.affine)
    symmetric?.stretch = 0
    affine?.stretch = 0
    let (values, weights) = (values(search), weights(search))
    for (index, found) in steps(search, level: level).enumerated() {
      let x = Array(values[index * search.blockSize..<(index + 1) * search.blockSize])
      let answer =
        symmetric.map { SymmetricSearch($0).search(x, weights) }
        ?? affine.map { AffineSearch($0).search(x, weights) } ?? nil
      guard let answer else {
        #expect(found.d == 0x7C00, "block \(index)")
        continue
      }
      #expect(found.d == Binary16.bits(answer.d), "block \(index)")
      #expect(found.dmin == Binary16.bits(answer.dmin), "block \(index)")
      #expect(
        bytes(found.scales, search.parts)
          == answer.scales.map { UInt8(bitPattern: Int8($0)) }, "block \(index)")
      if affine != nil {
        #expect(
          bytes(found.minimums, search.parts) == answer.minimums.map(UInt8.init), "block \(index)")
      }
      #expect(
        bytes(found.numbers, search.blockSize) == answer.numbers.map(UInt8.init), "block \(index)")
    }
  }

  @Test(arguments: searches, 0...2)
  func onlyTheScalesOfBlocksDiffer(type: Int, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    let search = Search(type)
    let (kept, longer) = (steps(search, level: level), stretched(search, level: level))
    var differing = 0
    for (first, second) in zip(kept, longer) {
      #expect(bytes(first.numbers, 256) == bytes(second.numbers, 256))
      #expect(bytes(first.scales, 16) == bytes(second.scales, 16))
      #expect(bytes(first.minimums, 16) == bytes(second.minimums, 16))
      #expect(abs(Binary16.float(first.d)) <= abs(Binary16.float(second.d)))
      #expect(abs(Binary16.float(first.dmin)) <= abs(Binary16.float(second.dmin)))
      if first.d != second.d { differing += 1 }
    }
    // Q6_K's error is so small that what it adds to d is lost in binary16.
    if type != WEIGHTMILL_Q6_K { #expect((search.stretch > 0) == (differing > 0)) }
  }

  /// What a block's numbers stand for.
  private func error(_ block: weightmill_block, _ x: ArraySlice<Float>, _ search: Search) -> Double
  {
    let levels: [Float] = [
      -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]
    let (d, dmin) = (Binary16.float(block.d), Binary16.float(block.dmin))
    let numbers = bytes(block.numbers, search.blockSize)
    let scales = bytes(block.scales, 16).map { Int8(bitPattern: $0) }
    let minimums = bytes(block.minimums, 16)
    return zip(x, weights(search)).enumerated().reduce(0) { sum, item in
      let part = item.offset / search.size
      let stored = Int(numbers[item.offset])
      let number = search.isUneven ? levels[stored] : Float(stored) + search.low
      let value = d * Float(scales[part]) * number - dmin * Float(minimums[part])
      let distance = Double(item.element.0) - Double(value)
      return sum + Double(item.element.1) * distance * distance
    }
  }

  @Test(arguments: searches)
  func theErrorOfWhatIsStoredIsNotLarger(type: Int) {
    let search = Search(type)
    let values = values(search)
    let kept = steps(search, level: Int(weightmill_level()))
    let longer = stretched(search, level: Int(weightmill_level()))
    var sums = (kept: 0.0, longer: 0.0)
    for index in 0..<Self.count where kept[index].d & 0x7FFF != 0x7C00 {
      let x = values[index * search.blockSize..<(index + 1) * search.blockSize]
      sums.kept += error(kept[index], x, search)
      sums.longer += error(longer[index], x, search)
    }
    #expect(sums.kept <= sums.longer)
    if search.stretch == 0 { #expect(sums.kept == sums.longer) }
  }
}
