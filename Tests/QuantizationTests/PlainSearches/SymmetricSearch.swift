import CWeightmillKernels

/// Blocks whose values are scale times number: what `Symmetric.h` of CKernels does.
struct SymmetricSearch {
  private let parts: Int
  private let size: Int
  private let rule: symmetric_rule
  private let trials: [Float]
  private let dTrials: [Float]

  /// Takes the rule of a type.
  init(_ rule: symmetric_rule) {
    self.rule = rule
    parts = Int(rule.parts)
    size = Int(rule.size)
    trials = Lane.list(rule.trial, rule.trials)
    dTrials = Lane.list(rule.d_trial, rule.d_trials)
  }

  /// How many values a block holds.
  var blockSize: Int { parts * size }

  // MARK: Numbers

  /// Source: `kvalues_iq4nl` of ggml.
  private static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// The index of the nearest level of IQ4_NL; of two as near the higher one.
  private static func level(_ value: Float) -> Int {
    (1..<16).count { value >= 0.5 * (levels[$0 - 1] + levels[$0]) }
  }

  /// The number that a value in units of its step gets.
  private func number(_ value: Float) -> Float {
    rule.uneven != 0
      ? Self.levels[Self.level(value)] : Lane.nearest(value, rule.low, rule.high)
  }

  /// The same, as it is stored.
  private func storedNumber(_ value: Float) -> Float {
    rule.uneven != 0
      ? Float(Self.level(value)) : Lane.nearest(value, rule.low, rule.high) - rule.low
  }

  // MARK: Parts

  /// A part's values and what errors in them cost.
  private struct Part {
    let x: ArraySlice<Float>
    let w: ArraySlice<Float>
    /// The weighted sum of squares.
    let power: Float
    /// The value of largest magnitude, the first of several.
    let peak: Float
    /// The largest weighted square.
    let heaviest: Float

    init(_ x: ArraySlice<Float>, _ w: ArraySlice<Float>) {
      self.x = x
      self.w = w
      var (power, peak, heaviest) = (Float(0), Float(0), Float(0))
      for index in x.indices {
        if abs(x[index]) > abs(peak) { peak = x[index] }
        let square = w[index] * x[index] * x[index]
        power += square
        if square > heaviest { heaviest = square }
      }
      (self.power, self.peak, self.heaviest) = (power, peak, heaviest)
    }
  }

  /// Weighted sums of value times number and of number squared: the best step is their ratio.
  private struct Fit {
    var product: Float
    var square: Float
  }

  private func fit(_ part: Part, _ inverse: Float) -> Fit {
    var sums = [Fit](repeating: Fit(product: 0, square: 0), count: 2)
    for (count, index) in part.x.indices.enumerated() {
      let number = number(part.x[index] * inverse)
      let weighted = part.w[index] * number
      sums[count % 2].product += weighted * part.x[index]
      sums[count % 2].square += weighted * number
    }
    return Fit(
      product: sums[0].product + sums[1].product, square: sums[0].square + sums[1].square)
  }

  /// The error with a step.
  private func error(_ part: Part, step: Float) -> Float {
    let inverse = Lane.inverse(step)
    guard inverse != 0 else { return part.power }
    var sums: (even: Float, odd: Float) = (0, 0)
    for (count, index) in part.x.indices.enumerated() {
      let value = part.x[index] * inverse
      let distance = value - number(value)
      let cost = part.w[index] * distance * distance
      if count % 2 == 0 { sums.even += cost } else { sums.odd += cost }
    }
    return step * step * (sums.even + sums.odd)
  }

  /// Of the trials the one whose best step leaves the least error.
  private func bestTrial(_ part: Part) -> Fit {
    let reciprocal = Lane.inverse(part.peak)
    var best = Fit(product: 0, square: 1)
    for trial in trials {
      let fit = fit(part, trial * reciprocal)
      if fit.product * fit.product * best.square > best.product * best.product * fit.square {
        best = fit
      }
    }
    return best
  }

  // MARK: Blocks

  /// Finds scales and numbers; `nil` for a block that is too large for its type.
  func search(_ x: [Float], _ w: [Float]) -> SearchAnswer? {
    guard !x.contains(where: { abs($0) > rule.limit }) else { return nil }
    let parts = (0..<parts).map { part in
      Part(x[part * size..<(part + 1) * size], w[part * size..<(part + 1) * size])
    }
    var fits = parts.map(bestTrial)
    var ideal = fits.map { $0.product * Lane.inverse($0.square) }
    var d = firstD(ideal, fits)
    var best = SearchAnswer(scales: [Float](repeating: 0, count: parts.count))
    var least = Lane.worst
    for round in 0...Int(rule.rounds) {
      let (scales, error) = nearScales(parts, ideal, d)
      if error < least {
        least = error
        best.d = d
        best.scales = scales
      }
      guard round < rule.rounds else { break }
      var (product, square) = (Float(0), Float(0))
      for (part, scale) in scales.enumerated() {
        fits[part] = fit(parts[part], Lane.inverse(d * scale))
        product += scale * fits[part].product
        square += scale * scale * fits[part].square
        ideal[part] = fits[part].product * Lane.inverse(fits[part].square)
      }
      d = Lane.half(product * Lane.inverse(square))
    }
    for (part, scale) in best.scales.enumerated() {
      let inverse = Lane.inverse(best.d * scale)
      best.numbers += parts[part].x.map { storedNumber($0 * inverse) }
    }
    best.d = stored(best.d, parts, error: least)
    return best
  }

  /// The d that is stored: longer, since the nearest answer is too short by its error.
  private func stored(_ d: Float, _ parts: [Part], error: Float) -> Float {
    let total = parts.reduce(0) { $0 + $1.power }
    let heaviest = parts.reduce(0) { $1.heaviest > $0 ? $1.heaviest : $0 }
    let longer = 2 * heaviest < total ? Lane.stretched(total, rule.stretch * error) : 1
    return Lane.half(Lane.within(d * longer, -65504, 65504))
  }

  /// The d with which the rounded scales leave the least error, numbers staying as they are.
  private func firstD(_ ideal: [Float], _ fits: [Fit]) -> Float {
    let largest = ideal.reduce(0) { abs($1) > abs($0) ? $1 : $0 }
    var (d, least) = (Float(0), Lane.worst)
    for candidate in dTrials.map({ Lane.half(largest * (1 / $0)) }) {
      let reciprocal = Lane.inverse(candidate)
      var error: Float = 0
      for (part, fit) in fits.enumerated() {
        let scale = Lane.nearest(ideal[part] * reciprocal, rule.scale_low, rule.scale_high)
        let step = candidate * scale
        error += step * (step * fit.square - 2 * fit.product)
      }
      if error < least { (d, least) = (candidate, error) }
    }
    return d
  }

  /// For each part the integer scale near the ideal one with the least error.
  private func nearScales(
    _ parts: [Part], _ ideal: [Float], _ d: Float
  ) -> (scales: [Float], error: Float) {
    var (scales, sum) = ([Float](repeating: 0, count: parts.count), Float(0))
    let reciprocal = Lane.inverse(d)
    for (index, part) in parts.enumerated() {
      let middle = Lane.nearest(ideal[index] * reciprocal, rule.scale_low, rule.scale_high)
      var least = part.power
      for distance in -rule.reach...rule.reach {
        let scale = Lane.within(middle + Float(distance), rule.scale_low, rule.scale_high)
        let error = error(part, step: d * scale)
        if error < least { (scales[index], least) = (scale, error) }
      }
      sum += least
    }
    return (scales, sum)
  }
}
