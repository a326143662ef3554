public import LLaMA

/// Which tensors an attribution takes together.
public enum TensorGrouping: String, CaseIterable, Sendable {
  /// Each tensor by itself.
  case tensor
  /// The tensors of the same purpose in all layers: `ffn_down`.
  case kind
  /// The tensors of a layer: `blk.2`.
  case layer

  /// The name of the group that a tensor is in.
  ///
  /// - Parameter role: What the tensor is for.
  /// - Returns: Its name in GGUF files without `.weight`, or a part of that.
  public func name(of role: TensorRole) -> String {
    switch (self, role) {
    case (.kind, .layer(_, _)): role.kind
    case (.layer, .layer(let layer, _)): "blk.\(layer)"
    case (_, .layer(let layer, _)): "blk.\(layer).\(role.kind)"
    default: role.kind
    }
  }

  /// Groups tensors, in the order of their first members.
  func groups(_ roles: [TensorRole]) -> [(name: String, roles: [TensorRole])] {
    var groups: [(name: String, roles: [TensorRole])] = []
    for role in roles {
      let name = name(of: role)
      if let place = groups.firstIndex(where: { $0.name == name }) {
        groups[place].roles.append(role)
      } else {
        groups.append((name, [role]))
      }
    }
    return groups
  }
}

extension TensorRole {
  /// What the tensor is in its layer, such as `ffn_down`; its name without `.weight` outside layers.
  var kind: String {
    let name = NamingScheme.gguf.name(of: self)
    let parts = name.split(separator: ".")
    return String(parts[parts.count == 4 ? 2 : 0])
  }

  /// The layer it belongs to.
  var layer: Int? {
    if case .layer(let layer, _) = self { layer } else { nil }
  }
}
