import WeightmillQuantization
import WeightmillTensors

/// Chooses scales and points of a block: what the vector kernel (`CKernels/Lattice.c`) computes, bit
/// for bit, one value after the other.
///
/// 1. For each sub-block eight scales are tried. Under each the nearest points are found exactly. A set
///    of points is kept as two sums, p and q: under any scale s it costs `s * (s * q - 2 * p)` more
///    than zeros do. `p / q` is its best scale.
/// 2. Scales of the block are tried over a range. Under each, every sub-block takes the set and the
///    multiplier that cost least. The best one is then fitted to what was chosen under it, as long as
///    that helps. A scale is always rounded to binary16 before its cost is taken.
/// 3. With eight levels, the sets that were taken are replaced by the nearest points under the scales they were taken with,
///    and the block's scale is fitted once more.
struct LatticeSearch {
  /// Costs of points are whole numbers of at most this magnitude.
  private static let costRange: Float = 131000
  /// How often a scale is fitted.
  private static let fits = 3
  /// The largest finite binary16 number.
  private static let largestScale: UInt16 = 0x7BFF

  /// Points for a sub-block.
  private struct Candidate {
    var p: Float = 0
    var q: Float = 0
    var best: Float = 0
    var patterns: [UInt16] = []
  }

  /// What a sub-block takes under a scale of the block.
  private struct Choice {
    var cost = Float.infinity
    var index = 0
    var candidate = Candidate()
    var multiplier = 0
  }

  /// A scale of the block and what it costs, relative to zeros.
  private struct Trial {
    var bits: UInt16 = 0
    var unit: Float = 0
    var cost: Float = 0
  }

  private let lattice: Lattice
  private let block: LatticeBlock
  private let toScale: Float
  private let toUnit: Float
  private let patterns: [(pattern: UInt16, levels: [Int])]
  private var candidates: [[Candidate]] = []

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - lattice: The type.
  ///   - block: The values.
  ///   - scales: What turns a unit of the magnitudes' size into the block's scale, and back.
  init(_ lattice: Lattice, _ block: LatticeBlock, scales: (to: Float, from: Float)) {
    self.lattice = lattice
    self.block = block
    toScale = scales.to
    toUnit = scales.from
    patterns = lattice.patterns.map { pattern in
      (
        pattern,
        (0..<lattice.width).map { value in
          lattice.levels.firstIndex(of: lattice.level(pattern, value)) ?? 0
        }
      )
    }
  }

  /// Searches.
  ///
  /// - Returns: What was chosen.
  mutating func run() -> LatticeChoice {
    candidates = (0..<256 / lattice.valuesPerScale).map { sub in
      firstScales(sub).enumerated().map { lane, scale in
        lattice.hasDelta ? moved(sub, scale, isDown: lane >= 4) : candidate(sub, scale)
      }
    }
    var best = fit(bestTrial())
    if lattice.refines && best.bits != 0 {
      searchChosen(best.unit)
      best.cost = cost(best.unit)
      best = fit(best)
    }
    return choice(best)
  }

  // MARK: The scales tried for a sub-block

  /// Fixed multiples of the geometric mean of the largest value and the root mean square.
  private func firstScales(_ sub: Int) -> [Float] {
    var (largest, weight, square): (Float, Float, Float) = (0, 0, 0)
    for index in sub * lattice.valuesPerScale..<(sub + 1) * lattice.valuesPerScale {
      let magnitude = block.magnitudes[index]
      largest = max(largest, abs(magnitude))
      weight += block.weights[index]
      square += block.weights[index] * magnitude * magnitude
    }
    let top = lattice.levels[lattice.levels.count - 1]
    let middle = ((square / weight).squareRoot() * largest).squareRoot() / top
    return lattice.trials.map { $0 * (middle > 0 ? middle : 1) }
  }

  /// The nearest points of a sub-block under a scale.
  private func candidate(_ sub: Int, _ scale: Float) -> Candidate {
    var found = Candidate()
    let groups = lattice.valuesPerScale / 8
    for group in sub * groups..<(sub + 1) * groups {
      let weights = Array(block.weights[8 * group..<8 * group + 8])
      let products = (0..<8).map { weights[$0] * block.magnitudes[8 * group + $0] }
      let isOdd = lattice.hasEvenSigns && block.odd >> UInt32(group) & 1 != 0
      let points = nearest(weights, products, scale, isOdd)
      var turn = Float.infinity
      for value in 0..<8 {
        let level = lattice.level(points[value / lattice.width], value % lattice.width)
        let product = level * products[value]
        found.p += product
        found.q += (level * level) * weights[value]
        turn = min(turn, product)
      }
      if isOdd { found.p -= turn + turn }
      found.patterns += points
    }
    found.best = found.p / found.q
    return found
  }

  // MARK: Points that are moved by delta

  /// The nearest points of a sub-block, moved one way; where eight values have a delta of their own, the
  /// other way if that costs less.
  private func moved(_ sub: Int, _ scale: Float, isDown: Bool) -> Candidate {
    let groups = lattice.valuesPerScale / 8
    var found = Candidate()
    for group in sub * groups..<(sub + 1) * groups {
      var best = moved(group, scale, down: isDown)
      if lattice.valuesPerDelta == 8 {
        let other = moved(group, scale, down: !isDown)
        if cost(other, scale) < cost(best, scale) { best = other }
      }
      add(best, to: &found)
    }
    found.best = Swift.max(found.p / found.q, 0)
    return found
  }

  /// The nearest points of a sub-block, all values that share a delta moved the way that costs less.
  private func moved(_ sub: Int, _ scale: Float) -> Candidate {
    let (groups, shared) = (lattice.valuesPerScale / 8, lattice.valuesPerDelta / 8)
    var found = Candidate()
    for start in stride(from: sub * groups, to: (sub + 1) * groups, by: shared) {
      let ways = [false, true].map { isDown in
        var sum = Candidate()
        for group in start..<start + shared { add(moved(group, scale, down: isDown), to: &sum) }
        return sum
      }
      add(cost(ways[1], scale) < cost(ways[0], scale) ? ways[1] : ways[0], to: &found)
    }
    found.best = Swift.max(found.p / found.q, 0)
    return found
  }

  private func add(_ part: Candidate, to sum: inout Candidate) {
    sum.p += part.p
    sum.q += part.q
    sum.patterns += part.patterns
  }

  private func cost(_ candidate: Candidate, _ scale: Float) -> Float {
    scale * (scale * candidate.q - (candidate.p + candidate.p))
  }

  /// The point nearest to eight values, moved one way.
  private func moved(_ group: Int, _ scale: Float, down isDown: Bool) -> Candidate {
    let delta: Float = isDown ? -0.125 : 0.125
    let weights = Array(block.weights[8 * group..<8 * group + 8])
    let products = (0..<8).map { weights[$0] * block.magnitudes[8 * group + $0] }
    let tried = max(scale, 0x1p-40)
    let shifted = (0..<8).map { products[$0] - (tried * delta) * weights[$0] }
    let (square, twice) = (tried * tried, tried + tried)
    let size = shifted.reduce(0) { $0 + abs($1) }
    let unit = Self.costRange / (square * weights.reduce(0, +) + (twice + twice) * size)
    let pattern = nearest(
      weights.map { square * unit * $0 }, shifted.map { twice * unit * $0 }
    ).kept.pattern
    var found = Candidate(patterns: [isDown ? pattern | 0x4000 : pattern])
    for value in 0..<8 {
      let level = lattice.level(pattern, value) + delta
      found.p += level * products[value]
      found.q += (level * level) * weights[value]
    }
    return found
  }

  // MARK: The nearest points

  /// The points nearest to eight values.
  ///
  /// - Parameters:
  ///   - weights: What errors cost.
  ///   - products: Weights times magnitudes.
  ///   - scale: The scale.
  ///   - isOdd: Whether one value must get the other sign.
  /// - Returns: The patterns of one point or two.
  private func nearest(
    _ weights: [Float], _ products: [Float], _ scale: Float, _ isOdd: Bool
  ) -> [UInt16] {
    let low = lattice.levels[0]
    let high = lattice.levels[lattice.levels.count - 1]
    let weight = weights.reduce(0, +)
    let product = products.reduce(0, +)
    // Products of smaller scales would be 0. Only blocks that overflow have such.
    let scale = max(scale, 0x1p-40)
    var square = scale * scale
    var twice = scale + scale
    let largest =
      square * ((high * high - low * low) * weight) + twice * ((high + low) * product)
    let unit = Self.costRange / largest
    square *= unit
    twice *= unit
    let found = stride(from: 0, to: 8, by: lattice.width).map { start in
      let values = start..<start + lattice.width
      return nearest(
        values.map { square * weights[$0] }, values.map { twice * products[$0] })
    }
    guard isOdd else { return found.map(\.kept.pattern) }
    guard found.count == 2 else { return [found[0].turned.pattern] }
    let inFirst = found[0].turned.cost + found[1].kept.cost
    let inSecond = found[0].kept.cost + found[1].turned.cost
    return inFirst <= inSecond
      ? [found[0].turned.pattern, found[1].kept.pattern]
      : [found[0].kept.pattern, found[1].turned.pattern]
  }

  private typealias Found = (cost: Int32, pattern: UInt16)

  /// The point that costs least, and that which does if one value gets the wrong sign; of several, the
  /// one with the lowest pattern.
  private func nearest(_ squares: [Float], _ products: [Float]) -> (kept: Found, turned: Found) {
    let low = lattice.levels[0]
    // What a level costs more than the lowest one, and what the wrong sign costs.
    let costs = squares.indices.map { value in
      lattice.levels.map { level in
        Int32(squares[value] * (level * level - low * low) - products[value] * (level - low))
      }
    }
    let turns = products.map { product in lattice.levels.map { Int32(product * (2 * $0)) } }
    var kept: Found = (.max, .max)
    var turned: Found = (.max, .max)
    for (pattern, levels) in patterns {
      var cost: Int32 = 0
      var turn = Int32.max
      for (value, level) in levels.enumerated() {
        cost += costs[value][level]
        turn = min(turn, turns[value][level])
      }
      if (cost, pattern) < kept { kept = (cost, pattern) }
      if (cost + turn, pattern) < turned { turned = (cost + turn, pattern) }
    }
    return (kept, turned)
  }

  // MARK: The block's scale

  private func bestTrial() -> Trial {
    var best = Trial()
    var unit = largestBest() * lattice.firstUnit
    for _ in 0..<Lattice.units.count {
      let next = attempt(unit)
      if next.cost < best.cost { best = next }
      unit *= Lattice.units.step
    }
    return best
  }

  /// Fits a scale to what is chosen under it, as long as that helps.
  private func fit(_ trial: Trial) -> Trial {
    var best = trial
    for _ in 0..<Self.fits where best.bits != 0 {
      let next = attempt(fitted(choices(best.unit)))
      guard next.cost < best.cost else { break }
      best = next
    }
    return best
  }

  /// The largest of the sub-blocks' best scales.
  private func largestBest() -> Float {
    var largest: Float = 0
    for sub in candidates {
      var (least, best): (Float, Float) = (0, 0)
      for candidate in sub where -(candidate.best * candidate.p) < least {
        (least, best) = (-(candidate.best * candidate.p), candidate.best)
      }
      largest = max(largest, best)
    }
    return largest
  }

  private func attempt(_ unit: Float) -> Trial {
    let bits = min(Binary16.bits(unit * toScale), Self.largestScale)
    guard bits != 0 else { return Trial() }
    let rounded = Binary16.float(bits) * toUnit
    return Trial(bits: bits, unit: rounded, cost: cost(rounded))
  }

  /// What the block costs: a sum in the order of a vector of eight, folded in halves.
  private func cost(_ unit: Float) -> Float {
    var sums = [Float](repeating: 0, count: 8)
    for (sub, choice) in choices(unit).enumerated() { sums[sub % 8] += choice.cost }
    let four = (0..<4).map { sums[$0] + sums[$0 + 4] }
    return (four[0] + four[2]) + (four[1] + four[3])
  }

  /// Replaces the candidates that are chosen under a unit, where that costs less.
  private mutating func searchChosen(_ unit: Float) {
    for (sub, chosen) in choices(unit).enumerated() {
      let scale = Float(chosen.multiplier) * (unit + unit) + unit
      let next = lattice.hasDelta ? moved(sub, scale) : candidate(sub, scale)
      if scale * (scale * next.q - (next.p + next.p)) < chosen.cost {
        candidates[sub][chosen.index] = next
      }
    }
  }

  /// For each sub-block the candidate of least cost.
  private func choices(_ unit: Float) -> [Choice] {
    let halfInverse = 0.5 / unit
    return candidates.map { sub in
      var chosen = Choice()
      for (index, candidate) in sub.enumerated() {
        let wanted = candidate.best * halfInverse
        let highest = Float(lattice.mostMultiplier) + 0.5
        let multiplier = Int(wanted < highest ? wanted : highest)
        let scale = Float(multiplier) * (unit + unit) + unit
        let cost = scale * (scale * candidate.q - (candidate.p + candidate.p))
        if cost < chosen.cost {
          chosen = Choice(cost: cost, index: index, candidate: candidate, multiplier: multiplier)
        }
      }
      return chosen
    }
  }

  /// The unit of least cost for what was chosen.
  private func fitted(_ chosen: [Choice]) -> Float {
    var (p, q): (Float, Float) = (0, 0)
    for choice in chosen {
      let factor = Float(2 * choice.multiplier + 1)
      p += factor * choice.candidate.p
      q += factor * factor * choice.candidate.q
    }
    return p / q
  }

  private func choice(_ best: Trial) -> LatticeChoice {
    var choice = LatticeChoice()
    guard best.bits != 0 else { return choice }
    let chosen = choices(best.unit)
    choice.scale = best.bits
    choice.overflows = Binary16.bits(fitted(chosen) * toScale) > Self.largestScale
    for (sub, item) in chosen.enumerated() { choice.multipliers[sub] = UInt8(item.multiplier) }
    let patterns = chosen.flatMap(\.candidate.patterns)
    choice.patterns.replaceSubrange(0..<patterns.count, with: patterns)
    return choice
  }
}
