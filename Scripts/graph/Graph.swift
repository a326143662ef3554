/// Names, and which of them need which.
struct Graph {
  let nodes: [String]
  let edges: [String: Set<String>]

  /// The sets of names that reach each other, each of two names or more (or one that needs itself).
  var circles: [[String]] {
    let reach = Dictionary(uniqueKeysWithValues: nodes.map { ($0, reachable(from: $0)) })
    var seen: Set<String> = []
    var circles: [[String]] = []
    for node in nodes where !seen.contains(node) && reach[node, default: []].contains(node) {
      let circle = nodes.filter {
        reach[node, default: []].contains($0) && reach[$0, default: []].contains(node)
      }
      seen.formUnion(circle)
      circles.append(circle)
    }
    return circles
  }

  private func reachable(from start: String) -> Set<String> {
    var found: Set<String> = []
    var waiting = [start]
    while let node = waiting.popLast() {
      for next in edges[node, default: []] where found.insert(next).inserted {
        waiting.append(next)
      }
    }
    return found
  }

  /// The names in an order in which each needs only those before it, as far as there is one.
  var layered: [String] {
    var order: [String] = []
    var visited: Set<String> = []
    func visit(_ node: String) {
      guard visited.insert(node).inserted else { return }
      for next in edges[node, default: []].sorted() { visit(next) }
      order.append(node)
    }
    for node in nodes { visit(node) }
    return order
  }
}
