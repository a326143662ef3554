extension String {
  /// The text with each U+2581, which stands for a space in a vocabulary, replaced by a space.
  ///
  /// By code points, as llama.cpp and SentencePiece do: a combining mark after it changes nothing.
  package var withSpaces: String {
    String(UnicodeScalarView(unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }))
  }
}
