#if Remote
  import Synchronization
  import WeightmillTensors

  /// What was opened by addresses: each model and each file once, for as long as the session lasts.
  final class RemoteSession: RemoteInputs {
    private struct State {
      var models: [HubAddress: HubRepository] = [:]
      /// The files by their names; `nil` for those that are not there.
      var files: [String: RemoteFile?] = [:]
      /// How many files have been opened.
      var count = 0
      /// The bytes of files that were taken whole.
      var wholeBytes = 0
      /// What follows the `?` of addresses, by the address before it.
      var queries: [String: String] = [:]
    }

    private let requester: Requester
    private let cache: ExtentCache
    private let state = Mutex(State())

    /// The most bytes of files that are kept because their server does not send parts.
    private static let mostWholeBytes = 256 << 20

    /// Opens a session.
    ///
    /// - Parameters:
    ///   - settings: Where and how to ask.
    ///   - queries: What follows the `?` of addresses, by the address before it.
    /// - Throws: `usage` for a proxy that cannot be used.
    init(_ settings: RemoteSettings, queries: [String: String]) throws(WeightmillError) {
      requester = try Requester(settings)
      cache = ExtentCache(limit: settings.cacheBytes, ahead: settings.aheadBytes)
      state.withLock { $0.queries = queries }
    }

    func stop() { requester.stop() }

    func pinned(_ address: String) -> String? {
      guard isHub(address), let parsed = try? HubAddress(address) else { return nil }
      return try? model(parsed).pinned
    }

    func isFolder(_ address: String) throws(WeightmillError) -> Bool? {
      guard isHub(address) else {
        if address.hasSuffix("/") {
          _ = try web(address)
          return true
        }
        return try file(address) == nil ? nil : false
      }
      let parsed = try HubAddress(address)
      return try model(parsed).isFolder(parsed.path)
    }

    func names(
      in address: String
    ) throws(WeightmillError) -> (names: [String], isWhole: Bool) {
      guard isHub(address) else { return (try probed(address), false) }
      let parsed = try HubAddress(address)
      return (try model(parsed).names(in: parsed.path), true)
    }

    func open(_ address: String) throws(WeightmillError) -> any ByteSource {
      guard let file = try file(address) else {
        throw WeightmillError(
          .noInput, address, "is not there",
          remedy: isHub(address)
            ? "check the name" : "check the address; that of a folder ends in /")
      }
      return file
    }

    private func isHub(_ address: String) -> Bool { address.lowercased().hasPrefix("hf://") }

    /// A model, at the commit that its revision was when it was first asked for.
    private func model(_ address: HubAddress) throws(WeightmillError) -> HubRepository {
      let key = HubAddress(modelOf: address)
      if let known = state.withLock({ $0.models[key] }) { return known }
      let found = try HubRepository(address, key.text, requester)
      return state.withLock { state in
        if let known = state.models[key] { return known }
        state.models[key] = found
        return found
      }
    }

    /// The address of something that is not on a hub.
    private func web(_ address: String) throws(WeightmillError) -> WebAddress {
      guard let parsed = WebAddress(address), parsed.query == nil else {
        throw WeightmillError(
          .usage, WebAddress(address)?.shown ?? "the address", "is no address that can be read",
          remedy: "write https://HOST/PATH, without a user's name")
      }
      guard parsed.isSafe else {
        throw WeightmillError(
          .refused, parsed.shown, "is an address without encryption",
          remedy: "write https:// in its place")
      }
      return parsed.with(query: state.withLock { $0.queries[address] })
    }

    /// A file, opened once; `nil` when there is none.
    private func file(_ address: String) throws(WeightmillError) -> RemoteFile? {
      if let known = state.withLock({ $0.files[address] }) { return known }
      let target: WebAddress
      if isHub(address) {
        let parsed = try HubAddress(address)
        let model = try model(parsed)
        guard model.isFolder(parsed.path) == false else { return nil }
        target = model.address(of: parsed.path)
      } else {
        target = try web(address)
      }
      let opened = try requester.open(target, address)
      return try keep(opened, address, target)
    }

    private func keep(
      _ opened: Opened?, _ address: String, _ target: WebAddress
    ) throws(WeightmillError) -> RemoteFile? {
      try state.withLock { (state) throws(WeightmillError) in
        if let known = state.files[address] { return known }
        guard let opened else {
          state.files[address] = .some(nil)
          return nil
        }
        if opened.isWhole { state.wholeBytes += opened.bytes.count }
        guard state.wholeBytes <= Self.mostWholeBytes else {
          throw WeightmillError(
            .inputOutput, address, "the server sends no parts of files, and these are too many",
            at: target.host, remedy: "fetch the files, and give their folder")
        }
        state.count += 1
        let file = RemoteFile(
          name: address, address: target, number: state.count, opened, requester, cache)
        state.files[address] = file
        return file
      }
    }

    /// The names that are there of those that are asked for: a web server has no list.
    private func probed(_ folder: String) throws(WeightmillError) -> [String] {
      let names = WebFolder.names
      let found = Mutex<Set<String>>([])
      try Workers(threads: 8).forEach(names.count, scratch: {}) {
        (index, _) throws(WeightmillError) in
        let name = names[index]
        if try isThere(InputPath(folder).appending(name)) {
          found.withLock { _ = $0.insert(name) }
        }
      }
      var all = found.withLock { $0 }
      for (first, following) in WebFolder.numbered where all.contains(first) {
        for name in following {
          guard try isThere(InputPath(folder).appending(name)) else { break }
          all.insert(name)
        }
      }
      return all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether there is a file. Where nobody may list a folder, some servers forbid what is not there.
    private func isThere(_ address: String) throws(WeightmillError) -> Bool {
      do throws(WeightmillError) {
        return try file(address) != nil
      } catch {
        guard error.code == .noInput else { throw error }
        return false
      }
    }
  }

  extension HubAddress {
    /// The address without the file.
    fileprivate init(modelOf address: HubAddress) {
      (model, revision, path) = (address.model, address.revision, "")
    }

    /// The address as people write it.
    fileprivate var text: String {
      revision == "main" ? "hf://\(model)" : "hf://\(model)@\(revision)"
    }
  }

  /// The names that are looked for in a folder of a web server, which has no list of them.
  enum WebFolder {
    static let names = [
      "config.json", "generation_config.json", "params.json", "tokenizer.model", "tokenizer.json",
      "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
      "merges.txt", "tekken.json", "chat_template.jinja", "chat_template.json",
      "quantize_config.json", "model.safetensors", "model.safetensors.index.json",
      "pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth",
      "consolidated.safetensors", "consolidated.safetensors.index.json", "adapter_config.json",
      "adapter_model.safetensors", "adapter_model.bin",
    ]

    /// Names of which others follow, by numbers.
    static let numbered = [
      "consolidated.00.pth": (1..<16).map { "consolidated.\($0 < 10 ? "0" : "")\($0).pth" }
    ]
  }
#endif
