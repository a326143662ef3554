package import WeightmillLLaMA

/// A way to take tensors together in an attribution.
public enum TensorGrouping: String, CaseIterable, Sendable {
  /// Each tensor by itself.
  case tensor
  /// The tensors of the same purpose in all layers: `ffn_down`.
  case kind
  /// The tensors of a layer: `blk.2`.
  case layer

  /// The name of the group that a tensor is in.
  ///
  /// - Parameters:
  ///   - role: What the tensor is for.
  ///   - architecture: The model's architecture.
  /// - Returns: Its name in GGUF files without `.weight`, or a part of that.
  package func name(of role: TensorRole, in architecture: Architecture) -> String {
    let kind = role.kind(in: architecture)
    return switch (self, role) {
    case (.kind, .layer(_, _)): kind
    case (.layer, .layer(let layer, _)): "blk.\(layer)"
    case (_, .layer(let layer, _)): "blk.\(layer).\(kind)"
    default: kind
    }
  }

  /// Groups tensors, in the order of their first members.
  func groups(
    _ roles: [TensorRole], in architecture: Architecture
  ) -> [(name: String, roles: [TensorRole])] {
    var groups: [(name: String, roles: [TensorRole])] = []
    for role in roles {
      let name = name(of: role, in: architecture)
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].roles.append(role)
      } else {
        groups.append((name, [role]))
      }
    }
    return groups
  }
}

extension TensorRole {
  /// The tensor's name in its layer, such as `ffn_down` or `attn_q.bias`; outside layers the name
  /// without `.weight`.
  func kind(in architecture: Architecture) -> String {
    let name = NamingScheme.gguf.name(of: self, in: architecture)
    let parts = name.split(separator: ".")
    guard parts.count == 4 else { return String(parts[0]) }
    return parts[3] == "bias" ? "\(parts[2]).bias" : String(parts[2])
  }

  /// The layer it belongs to.
  var layer: Int? {
    if case .layer(let layer, _) = self { layer } else { nil }
  }
}
