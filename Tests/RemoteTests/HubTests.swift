#if Remote
  import Testing
  import WeightmillConversion
  import WeightmillModels
  import WeightmillRemote
  import WeightmillTensors
  import WeightmillTestSupport

  struct HubTests {
    private static let delta = Fixtures.miniZiya("delta")

    private func settings(_ hub: LoopbackHub, token: String? = nil) -> RemoteSettings {
      quickSettings(hub: hub.address, token: token)
    }

    @Test func aModelIsListedAndOpenedAtItsCommit() throws {
      let hub = try LoopbackHub(["o/n": Self.delta])
      try withAddresses(settings(hub)) {
        let folder = try Folder("hf://o/n@v1")
        let local = try Folder(Self.delta)
        #expect(folder.names == local.names)
        let path = folder.path("config.json")
        let read = try readAll(path)
        #expect(try read == Fixtures.bytes("\(Self.delta)/config.json"))
        #expect(RemoteAccess.current?.pinned(path) == "hf://o/n@\(LoopbackHub.commit)")
      }
      #expect(hub.server.requests.count { $0.path.contains("/api/") } == 1)
      #expect(hub.fileRequests.allSatisfy { $0.path.contains(LoopbackHub.commit) })
    }

    @Test func aCheckpointIsTheSameAsInAFolder() throws {
      let hub = try LoopbackHub([
        "o/meta": Fixtures.miniZiya("base-meta"), "o/hf": Fixtures.miniZiya("base-hf"),
        "o/delta": Self.delta,
      ])
      try withAddresses(settings(hub)) {
        for (name, folder) in [("o/meta", "base-meta"), ("o/hf", "base-hf"), ("o/delta", "delta")] {
          let remote = try Checkpoint(path: "hf://\(name)")
          let local = try Checkpoint(path: Fixtures.miniZiya(folder))
          #expect(remote.layout == local.layout)
          #expect(remote.catalogue.tensors.map(\.name) == local.catalogue.tensors.map(\.name))
          for index in [0, local.catalogue.tensors.count - 1] {
            #expect(
              try sha256(ofTensor: index, in: remote.catalogue)
                == sha256(ofTensor: index, in: local.catalogue))
          }
        }
      }
    }

    @Test func aFolderWithinAModel() throws {
      let folder = try TemporaryFolder()
      try folder.copy(Fixtures.miniZiya("base-meta"), as: "original")
      try folder.write("{}".utf8, to: "README.md")
      let hub = try LoopbackHub(["o/n": folder.path])
      try withAddresses(settings(hub)) {
        let names = try Folder("hf://o/n").names
        #expect(names == ["README.md", "original"])
        #expect(Folder.isFolder("hf://o/n/original") == true)
        #expect(Folder.isFolder("hf://o/n/README.md") == false)
        #expect(Folder.isFolder("hf://o/n/x") == nil)
        let layout = try Checkpoint(path: "hf://o/n/original").layout
        #expect(layout == .meta)
      }
    }

    @Test func aFolderOnAWebServer() throws {
      let server = try LoopbackServer { request in
        let path = Fixtures.miniZiya(String(request.path.dropFirst()))
        guard let bytes = try? Fixtures.bytes(path) else { return .init(404) }
        return .part(of: bytes, request)
      }
      try withAddresses(quickSettings()) {
        for name in ["base-meta", "base-hf", "delta"] {
          let remote = try Checkpoint(path: "\(server.address)/\(name)/")
          let local = try Checkpoint(path: Fixtures.miniZiya(name))
          #expect(remote.layout == local.layout)
          #expect(remote.catalogue.tensors.map(\.name) == local.catalogue.tensors.map(\.name))
        }
        _ = try ModelLoader.load("\(server.address)/base-hf/")
      }
    }

    @Test func aShardThatIsMissingOnAWebServerIsNamed() throws {
      let server = try LoopbackServer { request in
        let path = Fixtures.miniZiya(String(request.path.dropFirst()))
        guard !path.contains("00002-of"), let bytes = try? Fixtures.bytes(path) else {
          return .init(404)
        }
        return .part(of: bytes, request)
      }
      let reading = try RemoteReading(quickSettings())
      let error = expectError(.noInput) {
        try reading.perform { _ = try Checkpoint(path: "\(server.address)/base-hf/") }
      }
      #expect(error?.file.contains("model-00002-of-00002.safetensors") == true)
    }

    @Test func theTokenGoesToTheHubAlone() throws {
      let file = content(200_000)
      let store = try LoopbackServer { .part(of: file, $0) }
      let hub = try LoopbackHub(["o/n": Self.delta]) { request, answer in
        // Another host by its name, though the same machine.
        request.path.hasSuffix("config.json")
          ? .init(302, ["Location": "\(store.named)/x?X-Amz-Signature=1"]) : answer
      }
      try withAddresses(settings(hub, token: "hf_secret")) {
        let read = try readAll("hf://o/n/config.json")
        #expect(read == file)
        let other = try readAll("\(store.address)/y")
        #expect(other == file)
      }
      #expect(hub.server.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
      #expect(store.requests.count >= 3)
      #expect(store.requests.allSatisfy { $0.headers["authorization"] == nil })
    }

    /// Who is led away and back again might be led by anybody.
    @Test func theTokenDoesNotComeBackWithARedirect() throws {
      let hub = try LoopbackHub(["o/n": Self.delta])
      let away = try LoopbackServer { _ in
        .init(302, ["Location": "\(hub.address)/o/n/resolve/\(LoopbackHub.commit)/config.json"])
      }
      try withAddresses(settings(hub, token: "hf_secret")) {
        _ = try readAll("\(away.address)/x.json")
      }
      #expect(hub.fileRequests.count == 1)
      #expect(hub.fileRequests.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test(arguments: [
      ("GatedRepo", "accepted its licence"), ("RevisionNotFound", "no such revision"),
      ("RepoNotFound", "not there, or not for everybody"),
    ])
    func whatTheHubRefusesIsSaid(_ code: String, _ text: String) throws {
      let hub = try LoopbackHub([:]) { _, _ in .init(403, ["X-Error-Code": code]) }
      let reading = try RemoteReading(settings(hub))
      let error = expectError(.noInput) {
        try reading.perform { _ = try Checkpoint(path: "hf://o/n") }
      }
      #expect(error?.description.contains(text) == true)
      #expect(error?.file == "hf://o/n")
    }

    @Test(arguments: [
      #"{"sha":"COMMIT","siblings":[{"rfilename":"../x"}]}"#,
      #"{"sha":"COMMIT","siblings":[{"rfilename":"/etc/passwd"}]}"#,
      #"{"sha":"COMMIT","siblings":[{"rfilename":"a\u0000b"}]}"#,
      #"{"sha":"COMMIT","siblings":[{"name":"x"}]}"#,
    ])
    func namesThatAreNoPathsAreRefused(_ json: String) throws {
      let text = json.replacing("COMMIT", with: LoopbackHub.commit)
      let hub = try LoopbackHub([:]) { _, _ in .init(200, [:], Array(text.utf8)) }
      let reading = try RemoteReading(settings(hub))
      expectError(.refused) { try reading.perform { _ = try Folder("hf://o/n") } }
    }

    @Test(arguments: [
      "", "{}", "[]", "<html>", #"{"sha":"main","siblings":[]}"#,
      #"{"sha":"../../../../../../../../../../../../..","siblings":[]}"#,
    ])
    func listsThatAreNoneAreAnError(_ text: String) throws {
      let hub = try LoopbackHub([:]) { _, _ in .init(200, [:], Array(text.utf8)) }
      let reading = try RemoteReading(settings(hub))
      expectError(.malformed) { try reading.perform { _ = try Folder("hf://o/n") } }
    }

    @Test(arguments: ["http://192.0.2.1", "ftp://x", "huggingface.co", "https://"])
    func aHubThatIsNoneIsAUsageError(_ endpoint: String) throws {
      let reading = try RemoteReading(quickSettings(hub: endpoint))
      let error = expectError(.usage) { try reading.perform { _ = try Folder("hf://o/n") } }
      #expect(error?.file == "HF_ENDPOINT")
    }

    @Test func theEnvironmentSaysWhereAndHow() {
      let settings = RemoteSettings(environment: [
        "HF_TOKEN": "t", "HF_ENDPOINT": "https://mirror.example", "HTTPS_PROXY": "",
        "https_proxy": "http://proxy:3128", "NO_PROXY": "localhost,.example",
      ])
      #expect(settings.token == "t")
      #expect(settings.endpoint == "https://mirror.example")
      #expect(settings.proxy?.address == "http://proxy:3128")
      #expect(RemoteSettings(environment: ["HF_TOKEN": ""]).token == nil)
    }
  }
#endif
