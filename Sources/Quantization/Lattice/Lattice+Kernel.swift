import CWeightmillKernels

extension Lattice {
  /// Lends the lattice in the form that the C kernel takes.
  ///
  /// - Parameter body: Called with it.
  func withKernelForm(_ body: (UnsafePointer<weightmill_lattice>) -> Void) {
    var form = unsafe weightmill_lattice()
    unsafe form.levels = Int32(levels.count)
    unsafe Self.fill(&form.level, levels)
    unsafe Self.fill(&form.square_above, squaresAboveLowest)
    unsafe Self.fill(&form.level_above, levelsAboveLowest)
    unsafe Self.fill(&form.twice_level, twiceLevels)
    unsafe form.values_per_scale = Int32(valuesPerScale)
    unsafe form.most = Int32(mostMultiplier)
    unsafe form.unit = unit
    unsafe form.values_per_delta = Int32(valuesPerDelta)
    unsafe form.parity = hasEvenSigns ? 1 : 0
    unsafe form.refines = refines ? 1 : 0
    unsafe Self.fill(&form.trial, trials)
    unsafe form.first_unit = firstUnit
    unsafe form.unit_step = Self.units.step
    unsafe form.shared = Int32(plan.pairs.count / 2)
    unsafe Self.fill(&form.ends, plan.ends)
    unsafe plan.pairs.withUnsafeBufferPointer { pairs in
      unsafe plan.firsts.withUnsafeBufferPointer { firsts in
        unsafe plan.members.withUnsafeBufferPointer { members in
          unsafe form.pairs = pairs.baseAddress
          unsafe form.firsts = firsts.baseAddress
          unsafe form.members = members.baseAddress
          unsafe body(&form)
        }
      }
    }
  }

  /// Copies numbers into an array of C.
  private static func fill<Field, Number>(_ field: inout Field, _ numbers: [Number]) {
    unsafe withUnsafeMutableBytes(of: &field) { bytes in
      unsafe numbers.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }
  }
}
