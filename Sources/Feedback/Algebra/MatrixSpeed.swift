package import WeightmillTensors

/// How fast this machine multiplies matrices now, to tell how long work will take.
package enum MatrixSpeed {
  /// Measures for a fifth of a second.
  ///
  /// - Parameter workers: The threads.
  /// - Returns: Operations a second, additions and multiplications of binary32.
  package static func measured(_ workers: Workers) -> Double {
    let size = 768
    let right = PanelMatrix(rows: size, columns: size)
    let pieces = 2 * workers.threads
    let target = PanelMatrix(rows: size, columns: pieces * size)
    let began = ContinuousClock.now
    var (rounds, elapsed) = (0, 0.0)
    repeat {
      workers.forEach(pieces, scratch: { PanelProduct() }) { (piece, product) in
        let panels = size / PanelMatrix.width
        product.multiply(
          LeftSide(matrix: right, rows: 0..<size, depth: 0..<size), RightSide(right),
          to: RightSide(target, panels: piece * panels..<(piece + 1) * panels), adds: false)
      }
      rounds += 1
      let (seconds, attoseconds) = (ContinuousClock.now - began).components
      elapsed = Double(seconds) + Double(attoseconds) * 1e-18
    } while elapsed < 0.2
    return 2 * Double(size) * Double(size) * Double(size) * Double(pieces * rounds) / elapsed
  }
}
