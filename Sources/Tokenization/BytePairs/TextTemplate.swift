/// The ids that a post-processor puts around a text.
struct TextTemplate: Equatable, Sendable {
  var before: [Int] = []
  var after: [Int] = []

  /// How many ids there may be in all. LLaMA has one.
  static let maximumCount = 1024
}
