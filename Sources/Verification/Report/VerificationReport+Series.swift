extension VerificationReport {
  static func histogram(of divergences: [Double]) -> [HistogramBin] { [] }
  static func profile(of texts: [(text: String, divergences: [Double])], bins: Int) -> [ProfileBin]
  { [] }
}
