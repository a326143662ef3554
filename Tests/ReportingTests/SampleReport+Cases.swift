import WeightmillReporting
import WeightmillVerification

extension SampleReport {
  /// Reports that a page must be able to draw, whatever they lack.
  static let cases = [
    "whole", "one position", "one layer", "80 layers", "saved logits", "interrupted", "identical",
    "infinite", "not a number", "negative and huge", "hostile", "nothing to draw",
  ]

  static func report(_ name: String) throws -> VerificationReport {
    var sample = SampleReport()
    switch name {
    case "one position": sample = SampleReport(layers: 1, positions: [1])
    case "one layer": sample = SampleReport(layers: 1)
    case "80 layers": sample = SampleReport(layers: 80, positions: [3000, 1, 20, 700])
    case "saved logits": return try sample.sparse()
    case "interrupted": return interrupted(try sample.report())
    case "identical": return try changed(try sample.report()) { _ in 0 }
    case "infinite": return try changed(try sample.report()) { _ in .infinity }
    case "not a number": return try changed(try sample.report()) { _ in .nan }
    case "negative and huge":
      return try changed(try sample.report()) {
        [-1e300, 1e300, .leastNonzeroMagnitude, -0.0][$0 % 4]
      }
    case "hostile": return hostile(try sample.report())
    case "nothing to draw":
      var report = try sample.sparse()
      report.profile = []
      report.histogram = []
      report.texts = []
      return report
    default: break
    }
    return try sample.report()
  }

  private static func interrupted(_ report: VerificationReport) -> VerificationReport {
    var report = report
    report.isPartial = true
    report.limits = []
    report.passed = true
    report.texts[1].statistics = nil
    report.tensors.removeAll { $0.layer == 2 }
    report.layers.removeLast()
    return report
  }

  /// Every figure that is drawn in another value's place.
  private static func changed(
    _ report: VerificationReport, _ value: (Int) -> Double
  ) throws -> VerificationReport {
    var report = report
    let divergences = (0..<50).map(value)
    report.profile = VerificationReport.profile(of: [("a", divergences), ("a", divergences)])
    report.histogram = VerificationReport.histogram(of: divergences)
    for index in report.layers.indices { report.layers[index].relativeError = value(index) }
    for index in report.tensors.indices { report.tensors[index].relativeError = value(index) }
    for index in report.attribution.indices { report.attribution[index].share = value(index) }
    for index in report.worst.indices {
      report.worst[index].divergence = value(index)
      report.worst[index].reference[0].probability = value(index)
    }
    return report
  }

  /// Text that tries to break out of where it stands.
  static let attacks = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "</style></title></svg><b>", "]]><!--", "&lt;b&gt;&#60;", "a | b | c\n| d |\r\n\n# heading",
    "`code` ```\n``` **bold** [link](http://example.com) ![](http://example.com/x.png)",
    "\u{0}\u{1B}[31m\u{7F}\u{85}\u{202E}\u{200B}\u{FEFF}\u{FFFE}\u{FFFF}\u{E0041}",
    "www.example.com https://example.com @someone :smile: $x$ ~~a~~ #1 \\",
    String(repeating: "很长的名字", count: 2000),
  ]

  /// Every name, token and message is such a text.
  static func hostile(_ report: VerificationReport) -> VerificationReport {
    var report = report
    var count = 0
    func attack() -> String {
      count += 1
      return attacks[count % attacks.count]
    }
    report.version = attack()
    report.candidate.name = attacks[0]
    report.candidate.types = Dictionary(attacks.map { ($0, 3) }) { $1 }
    report.reference.name = attacks[1]
    report.settings.precision = attack()
    for index in report.texts.indices { report.texts[index].name = attack() }
    for index in report.profile.indices { report.profile[index].text = attacks[index / 200] }
    report.tokenizers = .init(agree: false, difference: attacks[6])
    for index in report.worst.indices {
      report.worst[index].text = attack()
      report.worst[index].before = attacks.joined()
      report.worst[index].next = attack()
      for token in report.worst[index].reference.indices {
        report.worst[index].reference[token].token = attack()
        report.worst[index].candidate[token].token = attack()
      }
    }
    for index in report.tensors.indices {
      report.tensors[index].name = attack()
      report.tensors[index].type = attack()
      report.tensors[index].kind += attack()
    }
    for index in report.attribution.indices {
      report.attribution[index].name = attack()
      report.attribution[index].types = attack()
    }
    report.findings = attacks.map {
      .init(severity: .error, check: $0, tensor: $0, message: $0)
    }
    for index in report.limits.indices { report.limits[index].origin = attack() }
    return report
  }
}
