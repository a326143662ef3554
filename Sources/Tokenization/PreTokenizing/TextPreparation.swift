/// The steps done to a text before words become tokens.
struct TextPreparation: Equatable, Sendable {
  var normalizers: [TextNormalizer] = []
  var preTokenizers: [PreTokenizer] = []
}
