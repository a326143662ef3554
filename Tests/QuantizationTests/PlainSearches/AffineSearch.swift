import CWeightmillKernels

/// Blocks whose values are scale times number minus minimum: what `Affine.h` of CKernels does.
struct AffineSearch {
  private let parts: Int
  private let size: Int
  private let rule: affine_rule
  private let trials: [Float]
  private let shifts: [Float]
  private let dTrials: [Float]

  /// Takes the rule of a type.
  init(_ rule: affine_rule) {
    self.rule = rule
    parts = Int(rule.parts)
    size = Int(rule.size)
    trials = Lane.list(rule.trial, rule.trials)
    shifts = Lane.list(rule.shift, rule.trials)
    dTrials = Lane.list(rule.d_trial, rule.d_trials)
  }

  /// How many values a block holds.
  var blockSize: Int { parts * size }

  private var isFree: Bool { rule.is_free != 0 }

  // MARK: Parts

  /// A part's values and what errors in them cost, with their weighted sums.
  private struct Part {
    let x: ArraySlice<Float>
    let w: ArraySlice<Float>
    let weight: Float
    let sum: Float
    let power: Float
    let lowest: Float
    let highest: Float

    init(_ x: ArraySlice<Float>, _ w: ArraySlice<Float>, isFree: Bool) {
      self.x = x
      self.w = w
      let first = x[x.startIndex]
      var (weight, sum, power) = (Float(0), Float(0), Float(0))
      var (lowest, highest) = (isFree ? first : 0, first)
      for index in x.indices {
        if x[index] < lowest { lowest = x[index] }
        if x[index] > highest { highest = x[index] }
        weight += w[index]
        sum += w[index] * x[index]
        power += w[index] * x[index] * x[index]
      }
      (self.weight, self.sum, self.power) = (weight, sum, power)
      (self.lowest, self.highest) = (lowest, highest)
    }
  }

  /// Weighted sums of numbers, of their squares, and of values times numbers.
  private struct Moments {
    var q: Float = 0
    var qq: Float = 0
    var xq: Float = 0
  }

  private func moments(_ part: Part, _ inverse: Float, _ shift: Float) -> Moments {
    var sums = [Moments(), Moments()]
    for (count, index) in part.x.indices.enumerated() {
      let number = Lane.nearest(part.x[index] * inverse + shift, 0, rule.high)
      let weighted = part.w[index] * number
      sums[count % 2].q += weighted
      sums[count % 2].qq += weighted * number
      sums[count % 2].xq += weighted * part.x[index]
    }
    return Moments(
      q: sums[0].q + sums[1].q, qq: sums[0].qq + sums[1].qq, xq: sums[0].xq + sums[1].xq)
  }

  /// The error of `step * q - offset`, less that of zeros.
  private func cost(_ step: Float, _ offset: Float, _ moments: Moments, _ part: Part) -> Float {
    step * (step * moments.qq - 2 * (moments.xq + offset * moments.q))
      + offset * (offset * part.weight + 2 * part.sum)
  }

  /// The error with a step and an offset.
  private func error(_ part: Part, step: Float, offset: Float) -> Float {
    let inverse = Lane.inverse(step)
    guard inverse != 0 else {
      return part.power + offset * (offset * part.weight + 2 * part.sum)
    }
    let shift = offset * inverse
    var sums: (even: Float, odd: Float) = (0, 0)
    for (count, index) in part.x.indices.enumerated() {
      let value = part.x[index] * inverse + shift
      let distance = value - Lane.nearest(value, 0, rule.high)
      let cost = part.w[index] * distance * distance
      if count % 2 == 0 { sums.even += cost } else { sums.odd += cost }
    }
    return step * step * (sums.even + sums.odd)
  }

  /// The step and the offset that suit the numbers best, and whether they are sound.
  private func fitted(
    _ moments: Moments, _ part: Part
  ) -> (step: Float, offset: Float, isSound: Bool) {
    let determinant = part.weight * moments.qq - moments.q * moments.q
    let reciprocal = Lane.inverse(determinant)
    var step = (part.weight * moments.xq - part.sum * moments.q) * reciprocal
    var offset = (moments.q * moments.xq - moments.qq * part.sum) * reciprocal
    // Equal numbers leave the minimum open: then it is 0, as where it would be negative.
    let isPositive = !isFree && (offset < 0 || !(determinant > 0))
    if isPositive {
      step = moments.xq * Lane.inverse(moments.qq)
      offset = 0
    }
    return (step, offset, (determinant > 0 || isPositive) && step > 0)
  }

  /// What is known of a part: numbers by their moments, step and offset.
  private struct Fit {
    var moments = Moments()
    var step: Float = 0
    var offset: Float
  }

  /// Of the trials the one that leaves the least error.
  private func bestTrial(_ part: Part) -> Fit {
    let reciprocal = Lane.inverse(part.highest - part.lowest)
    var (best, least) = (Fit(offset: -part.lowest), Lane.worst)
    for (trial, shift) in zip(trials, shifts) {
      let inverse = trial * reciprocal
      let moments = moments(part, inverse, -part.lowest * inverse - shift)
      let (step, offset, isSound) = fitted(moments, part)
      let error = cost(step, offset, moments, part)
      if error < least, isSound {
        best = Fit(moments: moments, step: step, offset: offset)
        least = error
      }
    }
    return best
  }

  // MARK: Blocks

  /// Finds scales and numbers; `nil` for a block that is too large for its type.
  func search(_ x: [Float], _ w: [Float]) -> SearchAnswer? {
    guard !x.contains(where: { abs($0) > rule.limit }) else { return nil }
    let parts = (0..<parts).map { part in
      Part(
        x[part * size..<(part + 1) * size], w[part * size..<(part + 1) * size], isFree: isFree)
    }
    var fits = parts.map(bestTrial)
    var (d, dmin) = firstDAndDmin(parts, fits)
    let zeros = [Float](repeating: 0, count: parts.count)
    var best = SearchAnswer(scales: zeros, minimums: zeros)
    var least = Lane.worst
    for round in 0...Int(rule.rounds) {
      let (scales, minimums, error) = nearScales(parts, fits, d, dmin)
      if error < least {
        least = error
        (best.d, best.dmin) = (d, dmin)
        (best.scales, best.minimums) = (scales, minimums)
      }
      guard round < rule.rounds else { break }
      for index in parts.indices {
        let step = d * scales[index]
        let inverse = Lane.inverse(step)
        fits[index].moments = moments(parts[index], inverse, dmin * minimums[index] * inverse)
        let (fitted, _, isSound) = fitted(fits[index].moments, parts[index])
        fits[index].step = isSound ? fitted : step
      }
      (d, dmin) = refitted(parts, fits, scales, minimums) ?? (Lane.half(d), Lane.half(dmin))
    }
    for (index, part) in parts.enumerated() {
      let inverse = Lane.inverse(best.d * best.scales[index])
      let shift = best.dmin * best.minimums[index] * inverse
      best.numbers += part.x.map { Lane.nearest($0 * inverse + shift, 0, rule.high) }
    }
    // What is stored is longer, since the nearest answer is too short by its error.
    let total = parts.reduce(0) { $0 + $1.power }
    let longer = Lane.stretched(total, rule.stretch * least)
    best.d = Lane.half(Lane.within(best.d * longer, -65504, 65504))
    best.dmin = Lane.half(Lane.within(best.dmin * longer, -65504, 65504))
    return best
  }

  /// The integer minimum that suits a step best.
  private func minimum(_ part: Part, _ moments: Moments, step: Float, _ reciprocal: Float) -> Float
  {
    Lane.nearest(
      (step * moments.q - part.sum) * Lane.inverse(part.weight) * reciprocal, 0, rule.scale_high)
  }

  /// The d and dmin with which the rounded scales leave the least error, numbers staying the same.
  private func firstDAndDmin(_ parts: [Part], _ fits: [Fit]) -> (d: Float, dmin: Float) {
    var (most, deepest) = (Float(0), Float(0))
    for fit in fits {
      if fit.step > most { most = fit.step }
      if isFree || fit.offset > deepest { deepest = fit.offset }
    }
    var (d, dmin, least) = (Float(0), Float(0), Lane.worst)
    for first in dTrials.map({ Lane.half(most * (1 / $0)) }) {
      for second in dTrials.map({ Lane.half(deepest * (1 / $0)) }) {
        let (byD, byDmin) = (Lane.inverse(first), Lane.inverse(second))
        var error: Float = 0
        for (index, part) in parts.enumerated() {
          let fit = fits[index]
          let step = first * Lane.nearest(fit.step * byD, 0, rule.scale_high)
          let offset = second * minimum(part, fit.moments, step: step, byDmin)
          error += cost(step, offset, fit.moments, part)
        }
        if error < least { (d, dmin, least) = (first, second, error) }
      }
    }
    return (d, dmin)
  }

  /// For each part the integer scale and minimum near the ideal ones with the least error.
  private func nearScales(
    _ parts: [Part], _ fits: [Fit], _ d: Float, _ dmin: Float
  ) -> (scales: [Float], minimums: [Float], error: Float) {
    var scales = [Float](repeating: 0, count: parts.count)
    var (minimums, sum) = (scales, Float(0))
    let (byD, byDmin) = (Lane.inverse(d), Lane.inverse(dmin))
    for (index, part) in parts.enumerated() {
      let middle = Lane.nearest(fits[index].step * byD, 0, rule.scale_high)
      let centre = minimum(part, fits[index].moments, step: d * middle, byDmin)
      var least = Lane.worst
      for distance in -rule.reach...rule.reach {
        let scale = Lane.within(middle + Float(distance), 0, rule.scale_high)
        for depth in -rule.depth...rule.depth {
          let minimum = Lane.within(centre + Float(depth), 0, rule.scale_high)
          let error = error(part, step: d * scale, offset: dmin * minimum)
          if error < least { (scales[index], minimums[index], least) = (scale, minimum, error) }
        }
      }
      sum += least
    }
    return (scales, minimums, sum)
  }

  /// The d and the dmin that suit all numbers of the block best, if there are sound ones.
  private func refitted(
    _ parts: [Part], _ fits: [Fit], _ scales: [Float], _ minimums: [Float]
  ) -> (d: Float, dmin: Float)? {
    var (ss, so, oo, xs, xo) = (Float(0), Float(0), Float(0), Float(0), Float(0))
    for (index, part) in parts.enumerated() {
      let (scale, minimum, moments) = (scales[index], minimums[index], fits[index].moments)
      ss += scale * scale * moments.qq
      so += scale * minimum * moments.q
      oo += minimum * minimum * part.weight
      xs += scale * moments.xq
      xo += minimum * part.sum
    }
    let determinant = ss * oo - so * so
    let reciprocal = Lane.inverse(determinant)
    let d = (oo * xs - so * xo) * reciprocal
    let dmin = (so * xs - ss * xo) * reciprocal
    guard determinant > 1e-6 * ss * oo, d > 0, dmin > 0 || isFree else { return nil }
    return (Lane.half(d), Lane.half(dmin))
  }
}
