import WeightmillQuantization
import WeightmillTensors

/// Compares rows of a tensor, value by value, and counts what is odd.
struct RowScanner {
  private let layout: PartLayout
  private let columns: Int
  /// The square of the relative error from which on a row is far from the reference's.
  private let badError: Double
  /// `nil` if the candidate's values have no scale.
  private let outliers: OutlierScan?

  /// Prepares to compare rows.
  ///
  /// - Parameters:
  ///   - type: The candidate's type.
  ///   - columns: The length of the rows.
  ///   - badError: The relative error from which on a row is far from the reference's.
  init(_ type: TensorType, columns: Int, badError: Double) {
    layout = PartLayout(type)
    outliers = OutlierScan(type)
    self.columns = columns
    self.badError = badError * badError
  }

  /// Compares rows.
  ///
  /// - Parameters:
  ///   - candidate: Whole rows.
  ///   - reference: As many.
  ///   - firstRow: The number of the first.
  /// - Returns: What was found.
  func scan(_ candidate: [Float], _ reference: [Float], firstRow: Int) -> TensorScan {
    precondition(candidate.count == reference.count && candidate.count % max(columns, 1) == 0)
    var found = TensorScan()
    found.values = candidate.count
    unsafe candidate.withUnsafeBufferPointer { candidate in
      unsafe reference.withUnsafeBufferPointer { reference in
        for row in 0..<(columns > 0 ? candidate.count / columns : 0) {
          let range = row * columns..<(row + 1) * columns
          unsafe scan(
            UnsafeBufferPointer(rebasing: candidate[range]),
            UnsafeBufferPointer(rebasing: reference[range]), row: firstRow + row, &found)
        }
      }
    }
    return found
  }

  private func scan(
    _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>, row: Int,
    _ found: inout TensorScan
  ) {
    var sums = GroupSums()
    var part = (ours: Int32(0), theirs: Int32(0))
    var block = (ours: Int32(0), theirs: Int32(0))
    var rowMagnitude: Int32 = 0
    var saturatedCount = 0
    let groups = (columns + PartLayout.group - 1) / PartLayout.group
    for group in 0..<groups {
      let largest = unsafe add(candidate, reference, group, to: &sums)
      part = (max(part.ours, largest.ours), max(part.theirs, largest.theirs))
      let isLast = group == groups - 1
      guard (group + 1) % layout.groupsPerPart == 0 || isLast else { continue }
      found.parts[Int(part.theirs >> 23)] += 1
      if part.ours == 0 {
        if part.theirs != 0 { found.zeroedParts[Int(part.theirs >> 23)] += 1 }
      } else if exceeds(part.theirs, part.ours) {
        unsafe saturatedCount += saturated(candidate, reference, lastGroup: group)
      }
      block = (max(block.ours, part.ours), max(block.theirs, part.theirs))
      part = (0, 0)
      guard (group + 1) % layout.groupsPerBlock == 0 || isLast else { continue }
      found.blocks += 1
      if block.ours == 0 {
        found.zeroBlocks += 1
        if block.theirs != 0 { found.zeroedBlocks[Int(block.theirs >> 23)] += 1 }
      }
      rowMagnitude = max(rowMagnitude, block.theirs)
      block = (0, 0)
    }
    let row = TensorScan.BadRow(row: row, magnitude: Int(rowMagnitude >> 23))
    let (energy, error) = (Double(sums.energy.sum()), Double(sums.error.sum()))
    if energy.isFinite, error.isFinite {
      add(energy, error, row, &found)
      // Rows of another tensor exceed any scale, and have lost everything.
      let unrelated = ErrorBound.unrelated * ErrorBound.unrelated
      if error < unrelated * energy {
        found.saturated += saturatedCount
        if let outliers { found.drowned.add(unsafe drowned(candidate, reference, outliers)) }
      }
    } else {
      unsafe addSlowly(candidate, reference, row, &found)
    }
  }

  private func drowned(
    _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>,
    _ outliers: OutlierScan
  ) -> DrownedValues {
    guard let ours = candidate.baseAddress, let theirs = reference.baseAddress else {
      return DrownedValues()
    }
    return unsafe outliers.scan(theirs, columns: columns) { column, count, target in
      unsafe target.update(from: ours + column, count: count)
    }
  }

  private func add(
    _ energy: Double, _ error: Double, _ row: TensorScan.BadRow, _ found: inout TensorScan
  ) {
    found.energy += energy
    found.error += error
    if error > badError * energy { found.badRows.append(row) }
  }

  /// The sums of a row whose squares are beyond binary32, or that holds values that are not finite.
  private func addSlowly(
    _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>,
    _ row: TensorScan.BadRow, _ found: inout TensorScan
  ) {
    let (ours, theirs) = unsafe (Array(candidate), Array(reference))
    let odd = (FloatScan.nonFinite(ours), FloatScan.nonFinite(theirs))
    found.nonFinite += odd.0
    found.referenceNonFinite += odd.1
    guard odd == (0, 0) else { return }
    var (energy, error) = (0.0, 0.0)
    for (our, their) in zip(ours, theirs) {
      energy += Double(their) * Double(their)
      error += (Double(our) - Double(their)) * (Double(our) - Double(their))
    }
    add(energy, error, row, &found)
  }

  /// Sums in four lanes.
  private struct GroupSums {
    var energy = SIMD4<Float>.zero
    var error = SIMD4<Float>.zero

    @inline(__always)
    mutating func add(_ ours: SIMD4<Float>, _ theirs: SIMD4<Float>) {
      let difference = ours - theirs
      energy += theirs * theirs
      error += difference * difference
    }
  }

  /// Adds a group to the sums.
  ///
  /// - Returns: The bits of the largest magnitudes.
  @inline(__always)
  private func add(
    _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>,
    _ group: Int, to sums: inout GroupSums
  ) -> (ours: Int32, theirs: Int32) {
    let first = group &* PartLayout.group
    var largest = (ours: Int32(0), theirs: Int32(0))
    guard first &+ PartLayout.group <= columns, let ours = candidate.baseAddress,
      let theirs = reference.baseAddress
    else {
      for column in first..<columns {
        unsafe sums.add(SIMD4(candidate[column], 0, 0, 0), SIMD4(reference[column], 0, 0, 0))
        largest.ours = unsafe max(largest.ours, Self.magnitude(candidate[column]))
        largest.theirs = unsafe max(largest.theirs, Self.magnitude(reference[column]))
      }
      return largest
    }
    let (our, their) = unsafe (UnsafeRawPointer(ours + first), UnsafeRawPointer(theirs + first))
    for lanes in 0..<4 {
      unsafe sums.add(
        our.loadUnaligned(fromByteOffset: lanes &* 16, as: SIMD4<Float>.self),
        their.loadUnaligned(fromByteOffset: lanes &* 16, as: SIMD4<Float>.self))
    }
    for index in 0..<PartLayout.group {
      largest.ours = unsafe max(largest.ours, Self.magnitude(ours[first &+ index]))
      largest.theirs = unsafe max(largest.theirs, Self.magnitude(theirs[first &+ index]))
    }
    return largest
  }

  /// The bits of a value without its sign, which are in the order of magnitudes.
  @inline(__always)
  private static func magnitude(_ value: Float) -> Int32 {
    Int32(bitPattern: value.bitPattern & 0x7FFF_FFFF)
  }

  /// Whether a value may lie a step beyond the part's largest: worth a closer look.
  @inline(__always)
  private func exceeds(_ theirs: Int32, _ ours: Int32) -> Bool {
    guard theirs > ours, theirs < 0x7F80_0000 else { return false }
    let (largest, value) = (
      Float(bitPattern: UInt32(ours)), Float(bitPattern: UInt32(theirs))
    )
    return layout.isScalar
      ? largest >= layout.largest : value > largest + largest / layout.steps
  }

  /// How many values of a part lie beyond its largest decoded magnitude by more than the smallest
  /// distance between two different decoded values.
  private func saturated(
    _ candidate: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>,
    lastGroup group: Int
  ) -> Int {
    let first = group / layout.groupsPerPart * layout.groupsPerPart * PartLayout.group
    let range = first..<min((group + 1) * PartLayout.group, columns)
    let ours = unsafe candidate[range].sorted()
    var step = Float.infinity
    for (low, high) in zip(ours, ours.dropFirst()) where high > low {
      step = min(step, high - low)
    }
    if layout.isScalar { step = layout.largest / 4096 }
    let bound = max(abs(ours[0]), abs(ours[ours.count - 1])) + step
    return unsafe reference[range].count { abs($0) > bound }
  }
}
