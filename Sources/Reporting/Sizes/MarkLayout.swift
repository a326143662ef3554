/// Finds a place for the names of points, so that none covers another name, a stem, a point or the line.
///
/// The page's width is not known. Names are placed for a narrow window, and have room in any wider one: two
/// that lie beside each other move apart, two above each other stay. Of a phone's width it is told which names
/// it has no room for.
struct MarkLayout {
  /// A point, 0 to 1 along the bottom and the side.
  struct Point {
    let x: Double
    let y: Double
    let name: String
  }

  /// A drawing's size in the style sheet's pixels, of which 16 are a `rem`.
  private struct Frame {
    let width: Double
    let height: Double
  }

  private struct Box {
    let x: ClosedRange<Double>
    let y: ClosedRange<Double>

    func overlaps(_ other: Box) -> Bool { x.overlaps(other.x) && y.overlaps(other.y) }
  }

  /// A name and its stem.
  private struct Placed {
    let name: Box
    let stem: Box
  }

  private static let rem = 16.0
  /// The height of a name.
  private static let row = 1.25
  /// The width of a character, and of what is beside a name.
  private static let (character, margin) = (8.5, 12.0)
  private static let reach = 4.0
  /// The narrowest window in which all names are shown, and a phone's, less what stands beside the drawing.
  private static let window = Frame(width: 510, height: SizesStyle.height * rem)
  private static let phone = Frame(width: 260, height: SizesStyle.narrowHeight * rem)

  private let points: [Point]
  private let line: [Point]

  /// Prepares to place names.
  ///
  /// - Parameters:
  ///   - points: The points that are named.
  ///   - line: A line from left to right.
  init(_ points: [Point], beside line: [Point]) {
    self.points = points
    self.line = line
  }

  /// The names for which there is room: those that would stick out of a phone to the left of their stems, and
  /// the leftmost first; the others to the right, and the rightmost first. So no stem has to go through a
  /// name that is there.
  var marks: [Plot.Mark] {
    let sorted = points.sorted { ($0.x, -$0.y) < ($1.x, -$1.y) }
    let isLeft = { (point: Point) in
      point.x * Self.phone.width + Self.width(point.name) > Self.phone.width
    }
    var placed: [Placed] = []
    var shownOnPhone: [Placed] = []
    return (sorted.filter(isLeft) + sorted.filter { !isLeft($0) }.reversed()).compactMap { point in
      let isLeft = isLeft(point)
      guard let stem = stem(of: point, isLeft, placed) else { return nil }
      placed.append(Self.place(point, stem, isLeft, Self.window))
      let small = Self.place(point, stem, isLeft, Self.phone)
      let fits = isFree(small, shownOnPhone, Self.phone)
      if fits { shownOnPhone.append(small) }
      return Plot.Mark(
        position: (point.x, point.y), text: point.name, stem: stem, isLeft: isLeft, isMinor: !fits)
    }
  }

  /// The shortest stem with which a name has room.
  private func stem(of point: Point, _ isLeft: Bool, _ placed: [Placed]) -> Double? {
    (0..<16).lazy.map { 1.6 + Double($0) * Self.row / 2 }.first { stem in
      isFree(Self.place(point, stem, isLeft, Self.window), placed, Self.window)
    }
  }

  private static func width(_ name: String) -> Double {
    Double(name.unicodeScalars.count) * character + margin
  }

  private static func place(
    _ point: Point, _ stem: Double, _ isLeft: Bool, _ frame: Frame
  ) -> Placed {
    let (x, y) = (point.x * frame.width, point.y * frame.height)
    let width = width(point.name)
    let top = y + stem * rem
    return Placed(
      name: Box(x: isLeft ? x - width...x : x...x + width, y: top - row * rem...top),
      stem: Box(x: x - 1...x + 1, y: y...top))
  }

  private func isFree(_ candidate: Placed, _ placed: [Placed], _ frame: Frame) -> Bool {
    let name = candidate.name
    guard name.y.upperBound <= frame.height + Self.row * Self.rem, name.x.lowerBound >= 0,
      name.x.upperBound <= frame.width + Self.rem, !crossesLine(name, frame)
    else { return false }
    let isClear = placed.allSatisfy { other in
      !name.overlaps(other.name) && !name.overlaps(other.stem)
        && !candidate.stem.overlaps(other.name)
    }
    return isClear
      && points.allSatisfy { point in
        let (x, y, reach) = (point.x * frame.width, point.y * frame.height, Self.reach)
        return !name.overlaps(Box(x: x - reach...x + reach, y: y - reach...y + reach))
      }
  }

  /// Whether the line goes through a box.
  private func crossesLine(_ box: Box, _ frame: Frame) -> Bool {
    zip(line, line.dropFirst()).contains { start, end in
      let (first, last) = (start.x * frame.width, end.x * frame.width)
      let (low, high) = (max(first, box.x.lowerBound), min(last, box.x.upperBound))
      guard low <= high else { return false }
      let slope = last > first ? (end.y - start.y) * frame.height / (last - first) : 0
      let heights = [low, high].map { start.y * frame.height + slope * ($0 - first) }
      return box.y.overlaps(min(heights[0], heights[1])...max(heights[0], heights[1]))
    }
  }
}
