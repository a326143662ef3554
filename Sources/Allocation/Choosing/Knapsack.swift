/// The choice of one option for each of some items, with the least damage that a size allows.
///
/// A multiple-choice knapsack. Lagrange's multiplier of the size gives a choice to begin with and a bound for
/// every other; then items are taken one after the other, and of what was chosen so far only that is kept
/// which nothing smaller beats and whose bound is below the best that is known. That ends with the best
/// choice to the byte, unless there are too many such states: `isExact` says so.
package struct Knapsack {
  /// One way to store an item.
  package struct Option: Equatable {
    /// Its size.
    package let bytes: Int
    /// What it costs.
    package let damage: Double

    /// Describes one.
    package init(bytes: Int, damage: Double) {
      self.bytes = bytes
      self.damage = damage
    }
  }

  /// What is chosen.
  package struct Choice: Equatable {
    /// For each item the index of its option.
    package internal(set) var options: [Int]
    /// The sum of the options' bytes.
    package internal(set) var bytes: Int
    /// The sum of their damages.
    package internal(set) var damage: Double
    /// Whether no other choice has less damage.
    package internal(set) var isExact = true
  }

  /// How many states are kept at most.
  private static let mostStates = 1 << 15

  private let items: [[Option]]
  /// For each item its options in the order of sizes, without those that a smaller one beats.
  private let fronts: [[Int]]

  /// Takes items.
  ///
  /// - Parameter items: For each item its options, at least one.
  package init(_ items: [[Option]]) {
    self.items = items
    fronts = items.map { options in
      let order = options.indices.sorted {
        (options[$0].bytes, options[$0].damage, $0) < (options[$1].bytes, options[$1].damage, $1)
      }
      var front: [Int] = []
      for index in order {
        if let last = front.last, options[last].damage <= options[index].damage { continue }
        front.append(index)
      }
      return front
    }
  }

  /// The bytes of the smallest choice.
  package var leastBytes: Int { zip(items, fronts).reduce(0) { $0 + $1.0[$1.1[0]].bytes } }

  /// The best choice of at most so many bytes; `nil` if the smallest choice is larger.
  package func best(within budget: Int) -> Choice? {
    guard leastBytes <= budget else { return nil }
    let (price, first) = relaxed(budget)
    let known = improved(first, budget)
    return exact(budget, price, known)
  }

  // MARK: Lagrange

  /// The choice that is best at a price for each byte, the smaller of equals.
  private func choice(at price: Double) -> Choice {
    var choice = Choice(options: [], bytes: 0, damage: 0)
    for (options, front) in zip(items, fronts) {
      var best = front[0]
      for index in front.dropFirst()
      where options[index].damage + price * Double(options[index].bytes)
        < options[best].damage + price * Double(options[best].bytes)
      { best = index }
      choice.options.append(best)
      choice.bytes += options[best].bytes
      choice.damage += options[best].damage
    }
    return choice
  }

  /// The least price at which the best choice fits, and that choice.
  private func relaxed(_ budget: Int) -> (price: Double, Choice) {
    let free = choice(at: 0)
    if free.bytes <= budget { return (0, free) }
    var (low, high) = (0.0, 1e-30)
    while choice(at: high).bytes > budget { high *= 16 }
    for _ in 0..<128 {
      let middle = (low + high) / 2
      if choice(at: middle).bytes > budget { low = middle } else { high = middle }
    }
    return (high, choice(at: high))
  }

  /// A choice made better while room is left, by the option that gains most each time.
  private func improved(_ choice: Choice, _ budget: Int) -> Choice {
    var choice = choice
    while true {
      var best: (item: Int, option: Int, gain: Double)?
      for (item, front) in fronts.enumerated() {
        let now = items[item][choice.options[item]]
        for index in front {
          let option = items[item][index]
          guard choice.bytes - now.bytes + option.bytes <= budget else { break }
          let gain = now.damage - option.damage
          if gain > best?.gain ?? 0 { best = (item, index, gain) }
        }
      }
      guard let best else { return choice }
      choice.set(best.option, of: best.item, in: items)
    }
  }

  // MARK: The exact step

  private struct State {
    let bytes: Int
    let damage: Double
    let parent: Int32
    let option: Int32
  }

  /// The best choice of all.
  ///
  /// - Parameters:
  ///   - budget: The bytes that it may have.
  ///   - price: A price of a byte, for the bounds.
  ///   - known: A choice.
  /// - Returns: A better one, or that.
  private func exact(_ budget: Int, _ price: Double, _ known: Choice) -> Choice {
    // Of each item and those behind it, the least of damage and the price of bytes.
    var rest = [Double](repeating: 0, count: items.count + 1)
    var least = [Int](repeating: 0, count: items.count + 1)
    for item in items.indices.reversed() {
      let values = fronts[item].map {
        items[item][$0].damage + price * Double(items[item][$0].bytes)
      }
      rest[item] = rest[item + 1] + (values.min() ?? 0)
      least[item] = least[item + 1] + items[item][fronts[item][0]].bytes
    }
    // Rounding must not cut off what is as good as the best.
    let limit = known.damage * (1 + 1e-12)
    var isExact = true
    var levels: [[State]] = [[State(bytes: 0, damage: 0, parent: -1, option: -1)]]
    for item in items.indices {
      var next: [State] = []
      for (parent, state) in levels[item].enumerated() {
        for index in fronts[item] {
          let option = items[item][index]
          let (bytes, damage) = (state.bytes + option.bytes, state.damage + option.damage)
          guard bytes + least[item + 1] <= budget else { break }
          let bound = damage + rest[item + 1] - price * Double(budget - bytes)
          guard bound <= limit else { continue }
          next.append(
            State(bytes: bytes, damage: damage, parent: Int32(parent), option: Int32(index)))
        }
      }
      let (kept, isWhole) = undominated(next, price)
      isExact = isExact && isWhole
      levels.append(kept)
    }
    guard let last = levels[items.count].last, last.damage < known.damage else {
      return known.with(isExact: isExact)
    }
    return walkedBack(levels, isExact)
  }

  /// The states that no smaller one beats, in the order of sizes; the most promising if they are too many.
  private func undominated(_ states: [State], _ price: Double) -> (kept: [State], isWhole: Bool) {
    let sorted = states.sorted {
      ($0.bytes, $0.damage, $0.parent, $0.option) < ($1.bytes, $1.damage, $1.parent, $1.option)
    }
    var kept: [State] = []
    for state in sorted {
      if let last = kept.last, last.damage <= state.damage { continue }
      kept.append(state)
    }
    guard kept.count > Self.mostStates else { return (kept, true) }
    let values = kept.map { $0.damage + price * Double($0.bytes) }
    let threshold = values.sorted()[Self.mostStates]
    return (zip(kept, values).filter { $1 < threshold }.map(\.0), false)
  }

  private func walkedBack(_ levels: [[State]], _ isExact: Bool) -> Choice {
    var options = [Int](repeating: 0, count: items.count)
    var index = levels[items.count].count - 1
    let end = levels[items.count][index]
    for item in items.indices.reversed() {
      let state = levels[item + 1][index]
      options[item] = Int(state.option)
      index = Int(state.parent)
    }
    return Choice(options: options, bytes: end.bytes, damage: end.damage, isExact: isExact)
  }
}

extension Knapsack.Choice {
  fileprivate mutating func set(_ option: Int, of item: Int, in items: [[Knapsack.Option]]) {
    let (old, new) = (items[item][options[item]], items[item][option])
    bytes += new.bytes - old.bytes
    damage += new.damage - old.damage
    options[item] = option
  }

  fileprivate func with(isExact: Bool) -> Self {
    var choice = self
    choice.isExact = isExact
    return choice
  }
}
