import WeightmillTensors

/// One tensor that does not fit, for messages.
package struct TensorFault: Sendable {
  /// The tensor's name.
  package let name: String
  /// The problem with the tensor.
  package let problem: String

  /// Describes a fault.
  ///
  /// - Parameters:
  ///   - name: The tensor's name.
  ///   - problem: What is wrong with it.
  package init(_ name: String, _ problem: String) {
    self.name = name
    self.problem = problem
  }

  /// The faults in one line: tensors that differ in their layer only are named together, of more
  /// than a few kinds the rest are counted.
  ///
  /// - Parameters:
  ///   - faults: The faults.
  ///   - limit: How many kinds are named; an error is one line that people read.
  /// - Returns: The line, without a full stop.
  package static func summary(_ faults: [TensorFault], limit: Int = 3) -> String {
    var order: [TensorName] = []
    var groups: [TensorName: (pattern: String, problem: String, layers: [String])] = [:]
    for fault in faults {
      let parts = fault.name.split(separator: ".", omittingEmptySubsequences: false)
      let index = parts.firstIndex { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
      let pattern = parts.enumerated().map { $0 == index ? "*" : String($1) }.joined(separator: ".")
      let key = TensorName(pattern + "\n" + fault.problem)
      if groups[key] == nil {
        order.append(key)
        groups[key] = (pattern, fault.problem, [])
      }
      if let index { groups[key]?.layers.append(String(parts[index])) }
    }
    let kinds = order.compactMap { groups[$0] }
    let rest = kinds.dropFirst(limit).reduce(0) { $0 + max($1.layers.count, 1) }
    return kinds.prefix(limit).map { group in
      let layers = group.layers
      let range =
        layers.count > 2
        ? "{\(layers[0])…\(layers[layers.count - 1])}" : layers.joined(separator: ",")
      let name = group.pattern.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
      let shown = name.count == 2 ? "\(name[0])\(range)\(name[1])" : group.pattern
      let count = layers.count > 2 ? " (\(layers.count) tensors)" : ""
      return quoted(shown) + count + (group.problem.isEmpty ? "" : " " + group.problem)
    }.joined(separator: ", ") + (rest > 0 ? ", and \(rest) more" : "")
  }
}
