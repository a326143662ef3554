import Synchronization
import WeightmillPresentation

/// One line on the terminal that says how far the work is: share, bytes, rate, time left.
final class ProgressLine: Sendable {
  private let label: String
  private let isShown: Bool
  private let began = Terminal.seconds()
  private let lastDrawn = Mutex(0.0)

  /// Prepares a line; nothing is drawn when standard error is no terminal.
  init(_ label: String, options: CommonOptions) {
    self.label = label
    isShown = !options.quiet && Terminal.showsProgress
  }

  /// Draws progress in bytes, at most ten times a second.
  func update(done: Int, total: Int) {
    draw(share: Double(done) / Double(max(total, 1))) { elapsed in
      "\(Text.bytes(done)) of \(Text.bytes(total))  \(Text.bytes(Int(Double(done) / elapsed)))/s"
    }
  }

  /// Draws progress in tokens.
  func update(tokens done: Int, total: Int) {
    draw(share: Double(done) / Double(max(total, 1))) { elapsed in
      "\(Text.grouped(done)) of \(Text.grouped(total)) tokens  "
        + "\(Text.significant(Double(done) / elapsed))/s"
    }
  }

  /// Draws progress as a share.
  func update(share: Double) { draw(share: share) { _ in "" } }

  /// Draws progress as a share, and says where the work is.
  func update(share: Double, _ place: String) { draw(share: share) { _ in place } }

  /// Removes the line.
  func finish() {
    if isShown { Terminal.error("\r\u{1B}[K") }
  }

  private func draw(share: Double, _ details: (Double) -> String) {
    guard isShown else { return }
    let now = Terminal.seconds()
    let isDue = lastDrawn.withLock { last in
      guard now - last >= 0.1 else { return false }
      last = now
      return true
    }
    guard isDue else { return }
    let elapsed = max(now - began, 1e-3)
    let left = share > 0 ? elapsed / share - elapsed : 0
    let percent = Text.padded("\(Int(share * 100)) %", to: 5, alignment: .right)
    Terminal.error(
      "\r\u{1B}[K\(label) \(percent)  \(details(elapsed))  \(Text.duration(left)) left")
  }
}
