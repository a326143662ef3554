import WeightmillLLaMA
import WeightmillTensors

/// Findings on single tensors, of which those with the same problem become one line.
struct TensorFindings {
  /// A problem with a tensor.
  struct Problem: Hashable {
    let severity: Finding.Severity
    let check: String
    /// The problem, without figures.
    let text: String
    /// The remedy for it.
    var remedy: String?
  }

  private struct Case {
    let tensor: String
    let figures: String
    let weight: Double
  }

  private var order: [Problem] = []
  private var cases: [Problem: [Case]] = [:]

  /// Adds a tensor.
  ///
  /// - Parameters:
  ///   - problem: What is wrong with it.
  ///   - tensor: Its name.
  ///   - figures: How much.
  ///   - weight: How much, as a number: the figures of the largest are shown.
  mutating func add(_ problem: Problem, tensor: String, figures: String, weight: Double) {
    if cases[problem] == nil { order.append(problem) }
    cases[problem, default: []].append(Case(tensor: tensor, figures: figures, weight: weight))
  }

  /// Adds one line for each problem to a list, in the order in which the problems were met.
  func list(in findings: inout FindingList) {
    for problem in order {
      guard let cases = cases[problem], let first = cases.first else { continue }
      let worst = cases.dropFirst().reduce(first) { $1.weight > $0.weight ? $1 : $0 }
      let remedy = problem.remedy.map { "; \($0)" } ?? ""
      guard cases.count > 1 else {
        let line = "\(first.tensor) \(problem.text): \(first.figures)\(remedy)"
        findings.add(problem.severity, problem.check, tensor: first.tensor, line)
        continue
      }
      let names = Self.names(cases.map(\.tensor))
      findings.add(
        problem.severity, problem.check,
        "each of \(names) \(problem.text): the worst is \(worst.tensor), \(worst.figures)\(remedy)")
    }
  }

  /// Tensors in a few words: those that differ in their layer only are named together.
  static func names(_ tensors: [String]) -> String {
    "\(tensors.count) tensors, " + TensorFault.summary(tensors.map { TensorFault($0, "") }) + ","
  }
}
