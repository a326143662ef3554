import Testing
import WeightmillModelCards
import WeightmillTensors
import WeightmillTestSupport

/// YAML as model cards have it, and hostile YAML.
struct YAMLReaderTests {
  private func read(_ text: String) throws -> YAMLValue {
    try YAMLReader.parse(text, file: "README.md").value
  }

  /// What PyYAML's resolver makes of plain scalars.
  @Test(
    arguments: [
      ("yes", YAMLValue.ScalarKind.bool), ("Off", .bool), ("oN", .text), ("y", .text), ("~", .null),
      ("Null", .null), ("nULL", .text), ("0", .number), ("-17", .number), ("+1_000", .number),
      ("007", .number), ("08", .text), ("0x1F", .number), ("0b10", .number), ("0b2", .text),
      ("1:30", .number), ("1:60", .text), ("1.5", .number), ("1.", .number), (".5", .number),
      ("-.5", .text), ("1e5", .text), ("1.0e5", .text), ("1.0e+5", .number), ("-.inf", .number),
      (".NaN", .number), ("1.2.3", .text), ("v1", .text), ("2024-01-31", .date),
      ("2024-1-31", .text), ("2024-01-31 10:20:30", .date), ("2024-01-31T1:20:30Z", .date),
      ("7B", .text), ("-", .text), (".", .text), ("1_", .number), ("_1", .text),
    ] as [(String, YAMLValue.ScalarKind)])
  func plainScalarsAreWhatPyYAMLTakesThemFor(text: String, kind: YAMLValue.ScalarKind) throws {
    guard text != "-" else { return }
    #expect(try read("a: \(text)\n")["a"] == .scalar(text, kind))
    #expect(try read("[\(text)]\n") == .sequence([.scalar(text, kind)]))
  }

  @Test func collectionsAreNested() throws {
    let value = try read(
      """
      # a comment
      a:
      - b
      - - c
        - d: e
          f:
            g: h

      -
        i
      j: {k: [l, 'm', "n"], o: , p}   # behind
      q: [r: s,
          t]
      """)
    #expect(Self.summary(value["a"]) == "[b, [c, {d: e, f: {g: h}}], i]")
    #expect(Self.summary(value["j"]) == "{k: [l, m, n], o: , p: }")
    #expect(value["j"]?["o"] == .scalar("", .null) && value["j"]?["p"] == .scalar("", .null))
    #expect(Self.summary(value["q"]) == "[{r: s}, t]")
  }

  private static func summary(_ value: YAMLValue?) -> String {
    switch value {
    case .scalar(let text, _)?: text
    case .sequence(let elements)?: "[\(elements.map(summary).joined(separator: ", "))]"
    case .mapping(let members)?:
      "{\(members.map { "\($0.name): \(summary($0.value))" }.joined(separator: ", "))}"
    case nil: "none"
    }
  }

  @Test func theLastOfTwoEqualNamesCounts() throws {
    let (value, repeated) = try YAMLReader.parse("a: 1\nb: 2\na: 3\n", file: "x")
    #expect(value["a"] == .scalar("3", .number))
    #expect(repeated == ["a"])
  }

  @Test(arguments: [
    "a: &x 1\nb: *x\n", "a: *x\n", "a: !!python/object:os.system x\n", "a: !x y\n",
    "? a\n: b\n", "<<: {a: b}\n", "- &a [1]\n", "[*a]\n", "{[a]: b}\n", "&a b: c\n",
  ])
  func whatCardsDoNotNeedIsNotRead(text: String) {
    expectError(.unsupported) { _ = try read(text) }
  }

  @Test(arguments: [
    "a: b: c\n", "a:\n  b\n c: d\n", "a: \"b\n", "a: 'b\n", "a: [b\n", "a: {b\n", "a: [b c: d}\n",
    "a: ]\n",
    "a: @b\n", "a: `b`\n", "a: %b\n", "a: b\n  c: d\n", "a: |x\n  b\n", "a: \"\\q\"\n",
    "a: \"\\ud800\"\n",
    "a: \"\\x4\"\n", "a: [b] c\n", "a: 'b' c\n", ": a\n", "a: - b\n", "- a\nb: c\n", "a\nb: c\n",
    "a: b\n- c\n",
    "a: b # c\n  d\n", "a: [,]\n",
  ])
  func brokenTextIsMalformed(text: String) {
    let error = expectError(.malformed) { _ = try read(text) }
    #expect(error?.position?.hasPrefix("line ") == true)
  }

  @Test func depthAndSizeAreBounded() throws {
    for text in [
      String(repeating: "[", count: 200_000), String(repeating: "{a: ", count: 50_000),
      String(repeating: "- ", count: 100_000),
      (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
      "a: [" + String(repeating: "b,", count: 100_000) + "]\n",
    ] {
      expectError(.malformed) { _ = try read(text) }
    }
    expectError(.refused) { _ = try read(String(repeating: "a", count: 300_000)) }
    // Long, but harmless; and not slow.
    #expect(try read("a: " + String(repeating: "b ", count: 120_000) + "\n")["a"] != nil)
    #expect(try read("a: |\n" + String(repeating: " b\n", count: 60_000))["a"] != nil)
    #expect(try read(String(repeating: "#\n", count: 120_000)) == .scalar("", .null))
  }

  /// Whatever the bytes, an error or a value.
  @Test func noTextBreaksTheReader() {
    let alphabet = Array("ab-:?,[]{}#&*!|>'\"%@` \n\\x1.~<=\t\u{e9}")
    var random = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<40, using: &random)
      let text = String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" })
      expectNoCrash { _ = try read(text) }
    }
  }
}
