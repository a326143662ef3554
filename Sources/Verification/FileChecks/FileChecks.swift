import WeightmillLLaMA
package import WeightmillModels
package import WeightmillTensors

/// Looks for what is wrong with a model's file, whatever text it is run on.
///
/// The checks, and when each says what, are in `formats/file-checks.md`. Every tensor is read once, in
/// tiles of rows; memory is a few MiB for each thread.
package struct FileChecks: Sendable {
  private let candidate: LoadedModel
  private let reference: LoadedModel?
  private let workers: Workers

  /// Prepares the checks.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged. Checks of metadata are for GGUF files only.
  ///   - reference: The model it was made from; without one its values are judged by themselves.
  ///   - workers: The threads.
  package init(candidate: LoadedModel, reference: LoadedModel?, workers: Workers) {
    self.candidate = candidate
    self.reference = reference
    self.workers = workers
  }

  /// Makes all checks.
  ///
  /// - Parameters:
  ///   - cancellation: A way to stop.
  ///   - progress: Called after each tensor with the share of the values that have been read, 0 to 1.
  /// - Returns: What was found: first what the header tells, then what the values tell. The same for
  ///   any number of threads.
  /// - Throws: The errors of reading; `interrupted`. What is wrong with the file is a finding.
  package func findings(
    cancellation: Cancellation = Cancellation(), progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> [Finding] {
    var findings = try headerFindings()
    findings += try ValueChecks(
      candidate: ModelRows(candidate.llama), reference: reference.map { ModelRows($0.llama) },
      workers: workers
    ).findings(cancellation: cancellation, progress: progress)
    return findings
  }

  /// What can be said without reading weights.
  private func headerFindings() throws(WeightmillError) -> [Finding] {
    var findings = FindingList()
    if let metadata = candidate.metadata {
      MetadataCheck(metadata, candidate.llama).check(&findings)
      try LayoutCheck.check(files: candidate.files, &findings)
      TypeCheck(metadata, candidate.llama).check(&findings)
      VocabularyCheck(metadata, rows: candidate.llama.configuration.vocabularyRows)
        .check(&findings)
    }
    if let reference {
      HyperparameterCheck.check(
        candidate.llama.configuration, against: reference.llama.configuration, &findings)
      try HyperparameterCheck.checkRotation(candidate.llama, against: reference.llama, &findings)
      VocabularyComparison.check(candidate, against: reference, &findings)
    }
    return findings.all
  }
}
