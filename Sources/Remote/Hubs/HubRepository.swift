#if Remote
  import WeightmillStrictJSON
  import WeightmillTensors

  /// A model on a hub, at one commit: what lies in it does not change any more.
  struct HubRepository: Sendable {
    /// The owner and the name, as the hub spells them.
    let model: String
    /// The commit.
    let commit: String
    /// The paths of its files, sorted by their bytes.
    let files: [String]
    private let hub: WebAddress

    /// The longest list that is read, in bytes.
    private static let longestList = 16 << 20
    /// The most files that a model may have.
    private static let mostFiles = 100_000

    /// Asks a hub for a model.
    ///
    /// - Parameters:
    ///   - address: The model and its revision.
    ///   - name: The address as it may be shown.
    ///   - requester: Who asks.
    /// - Throws: `noInput` when it is not there or not for us, `malformed` for a list that is none,
    ///   `usage` for a hub whose address is none.
    init(
      _ address: HubAddress, _ name: String, _ requester: Requester
    ) throws(WeightmillError) {
      guard let hub = requester.hub else {
        throw WeightmillError(
          .usage, "HF_ENDPOINT", "is no https address of a hub",
          remedy: "write it as https://HOST, or leave it out")
      }
      let path =
        "api/models/\(address.model)/revision/\(WebAddress.escaped(address.revision))"
      var attempts = requester.attempts(name)
      let reply = try requester.reply(
        to: .init(address: hub.appending(path), maximum: Self.longestList), &attempts)
      guard reply.status == 200 else {
        throw reply.error(name, isHub: true, hasToken: requester.settings.token != nil)
      }
      guard case .whole = reply.outcome.end else {
        throw WeightmillError(
          .refused, name, "has a list of files longer than \(Self.longestList) bytes",
          at: reply.address.host)
      }
      let json = try JSONParser.parse(reply.outcome.body, file: name)
      guard let object = json.object, let commit = object["sha"]?.string,
        let siblings = object["siblings"]?.array
      else {
        throw WeightmillError(
          .malformed, name, "has no list of files that can be read", at: reply.address.host,
          remedy: "check HF_ENDPOINT")
      }
      guard commit.utf8.count == 40, commit.utf8.allSatisfy(Self.isHexadecimal) else {
        throw WeightmillError(.malformed, name, "has no commit", at: reply.address.host)
      }
      self.hub = hub
      self.commit = commit
      model = object["id"]?.string.flatMap(Self.spelling) ?? address.model
      files = try Self.files(siblings, name)
    }

    private static func files(
      _ siblings: [JSONValue], _ name: String
    ) throws(WeightmillError) -> [String] {
      guard siblings.count <= mostFiles else {
        throw WeightmillError(.refused, name, "says it has \(siblings.count) files")
      }
      var files: [String] = []
      for sibling in siblings {
        guard let file = sibling.object?["rfilename"]?.string, HubAddress.isPlain(file) else {
          throw WeightmillError(
            .refused, name, "lists a file whose name is no plain path",
            at: quoted(sibling.object?["rfilename"]?.string ?? ""))
        }
        files.append(file)
      }
      return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    /// The hub's spelling of a model's name, if it is one.
    private static func spelling(_ id: String) -> String? {
      let parts = id.split(separator: "/", omittingEmptySubsequences: false)
      return parts.count == 2 && parts.allSatisfy { HubAddress.isName(String($0)) } ? id : nil
    }

    /// Where a file is asked for.
    func address(of file: String) -> WebAddress {
      let path = file.split(separator: "/").map { WebAddress.escaped(String($0)) }
      return hub.appending("\(model)/resolve/\(commit)/\(path.joined(separator: "/"))")
    }

    /// Whether a path is a folder; `nil` when nothing is there.
    func isFolder(_ path: String) -> Bool? {
      if path.isEmpty || files.contains(where: { $0.hasPrefix("\(path)/") }) { return true }
      return files.contains(path) ? false : nil
    }

    /// The names in a folder, sorted by their bytes.
    func names(in path: String) -> [String] {
      let prefix = path.isEmpty ? "" : "\(path)/"
      var names: [String] = []
      for file in files where file.hasPrefix(prefix) {
        let name = String(file.dropFirst(prefix.count).prefix { $0 != "/" })
        if names.last != name { names.append(name) }
      }
      return Set(names).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The address with the commit.
    var pinned: String { "hf://\(model)@\(commit)" }
  }
#endif
