import Testing
import WeightmillAllocation
import WeightmillLLaMA

/// The best choice within a size, beside all choices there are.
struct KnapsackTests {
  /// Items whose options are better the larger they are, and sometimes are not.
  private func items(
    count: Int, unit: Int, using random: inout SplitMix64
  ) -> [[Knapsack.Option]] {
    (0..<count).map { _ in
      let weight = Int.random(in: 1...40, using: &random)
      let worth = Double.random(in: 0.01...1, using: &random)
      return (0..<Int.random(in: 1...5, using: &random)).map { _ in
        let bits = Int.random(in: 2...9, using: &random)
        return Knapsack.Option(
          bytes: weight * bits * unit,
          damage: worth * Double(weight) / Double(1 << (2 * bits))
            * Double.random(in: 0.5...2, using: &random))
      }
    }
  }

  /// The least damage of all choices that fit.
  private func exhaustive(_ items: [[Knapsack.Option]], within budget: Int) -> Double? {
    var sums: [(bytes: Int, damage: Double)] = [(0, 0)]
    for options in items {
      sums = sums.flatMap { sum in
        options.map { (sum.bytes + $0.bytes, sum.damage + $0.damage) }
      }
    }
    return sums.filter { $0.bytes <= budget }.map(\.damage).min()
  }

  @Test(arguments: 0..<60) func noChoiceIsBetter(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let items = items(count: Int.random(in: 1...7, using: &random), unit: 32, using: &random)
    let knapsack = Knapsack(items)
    for _ in 0..<8 {
      let budget = Int.random(in: 0...60_000, using: &random)
      let choice = knapsack.best(within: budget)
      let least = exhaustive(items, within: budget)
      #expect((choice == nil) == (least == nil))
      guard let choice, let least else { continue }
      #expect(choice.bytes <= budget && choice.isExact)
      #expect(abs(choice.damage - least) <= 1e-12 * least, "seed \(seed), budget \(budget)")
      let sums = zip(items, choice.options).map { ($0[$1].bytes, $0[$1].damage) }
      #expect(sums.reduce(0) { $0 + $1.0 } == choice.bytes)
      #expect(abs(sums.reduce(0) { $0 + $1.1 } - choice.damage) < 1e-12)
    }
  }

  /// As many matrices as 13B has, in sizes of any kind.
  @Test(arguments: [1, 32, 4096]) func aWholeModelLeavesNoRoomForABetterType(unit: Int) throws {
    var random = SplitMix64(seed: 7)
    let items = items(count: 281, unit: unit, using: &random)
    let knapsack = Knapsack(items)
    var last = Double.infinity
    for share in [1.0, 1.1, 1.5, 2, 3] {
      let budget = Int(Double(knapsack.leastBytes) * share)
      let choice = try #require(knapsack.best(within: budget))
      #expect(choice.bytes <= budget)
      #expect(choice.damage <= last)
      last = choice.damage
      for (item, options) in items.enumerated() {
        let now = options[choice.options[item]]
        for option in options where option.damage < now.damage {
          #expect(choice.bytes - now.bytes + option.bytes > budget)
        }
      }
    }
  }

  @Test func whatCannotBeIsNil() {
    let knapsack = Knapsack([[.init(bytes: 10, damage: 1)], [.init(bytes: 20, damage: 1)]])
    #expect(knapsack.leastBytes == 30)
    #expect(knapsack.best(within: 29) == nil)
    #expect(knapsack.best(within: 30)?.options == [0, 0])
    #expect(Knapsack([]).best(within: 0)?.options == [])
    #expect(Knapsack([]).best(within: -1) == nil)
  }

  /// An option that is larger and no better is never chosen, however much room there is.
  @Test func ofEqualDamagesTheSmallerIsTaken() {
    let knapsack = Knapsack([
      [.init(bytes: 30, damage: 0), .init(bytes: 10, damage: 0), .init(bytes: 20, damage: 5)]
    ])
    #expect(knapsack.best(within: 1000)?.options == [1])
  }
}
