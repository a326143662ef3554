#if Remote
  import Testing
  import WeightmillRemote
  import WeightmillTensors
  import WeightmillTestSupport

  struct AddressTests {
    @Test(arguments: [
      ("hf://o/n", "o/n", "main", ""), ("hf://o/n/", "o/n", "main", ""),
      ("hf://o/n@v1", "o/n", "v1", ""), ("hf://o/n@v1/a/b.json", "o/n", "v1", "a/b.json"),
      ("hf://o/n/original", "o/n", "main", "original"),
      ("hf://o/n@refs/pr/1/x", "o/n", "refs/pr/1", "x"),
      ("hf://o/n@refs%2Fpr%2F1/x", "o/n", "refs/pr/1", "x"),
    ])
    func modelsOnAHub(_ text: String, _ model: String, _ revision: String, _ path: String) throws {
      let address = try HubAddress(text)
      #expect(address.model == model)
      #expect(address.revision == revision)
      #expect(address.path == path)
    }

    @Test(arguments: [
      "hf://", "hf://o", "hf:///n", "hf://o/", "hf://o/n@", "hf://o/n@/x", "hf://o/..", "hf://../n",
      "hf://o/n/../x", "hf://o/n/a//b", "hf://o/n@a b", "hf://o/n@../../x", "hf://ö/n",
      "hf://o/n@..%2F..%2Fapi", "hf://o/n/a\u{0}b",
    ])
    func whatNamesNoModelIsAUsageError(_ text: String) {
      expectError(.usage) { _ = try HubAddress(text) }
    }

    @Test func webAddressesShowNoQuery() throws {
      let address = try #require(WebAddress("https://Host.Example:443/a b/é?sig=secret#part"))
      #expect(address.shown == "https://host.example/a%20b/%C3%A9")
      #expect(address.text == "https://host.example/a%20b/%C3%A9?sig=secret")
      #expect(address.origin == "https://host.example:443")
    }

    @Test(arguments: [
      "https://user:password@host/x", "https:///x", "ftp://host/x", "https://host:0/x",
      "https://host:99999/x", "https://ho st/x", "https://host/a\nb", "https://[::1/x", "host/x",
    ])
    func whatIsNoWebAddress(_ text: String) { #expect(WebAddress(text) == nil) }

    @Test(arguments: [
      ("https://host/x", true), ("http://host/x", false), ("http://127.0.0.1:80/x", true),
      ("http://localhost/x", true), ("http://[::1]:8080/x", true),
      ("http://127.0.0.1.evil.example/x", false), ("http://localhost.evil.example/", false),
      ("http://127.0.0.300/", false), ("http://0.0.0.0/", false),
    ])
    func onlyThisMachineIsAskedInTheClear(_ text: String, _ isSafe: Bool) throws {
      #expect(try #require(WebAddress(text)).isSafe == isSafe)
    }

    @Test(arguments: [
      ("https://other/y?z", "https://other/y?z"), ("/y", "https://host:8443/y"),
      ("y", "https://host:8443/a/y"), ("//other/y", "https://other/y"),
      ("http://other/y", "http://other/y"),
    ])
    func redirectsAreResolved(_ location: String, _ result: String) throws {
      let address = try #require(WebAddress("https://host:8443/a/x?q"))
      #expect(address.redirected(to: location)?.text == result)
    }

    @Test(arguments: ["ftp://other/y", "javascript:1", "https://user@other/", "https://"])
    func redirectsToWhatIsNoAddressAreNone(_ location: String) throws {
      #expect(try #require(WebAddress("https://host/x")).redirected(to: location) == nil)
    }

    @Test func contentRanges() {
      #expect(ContentRange("bytes 0-99/1000")?.range == 0..<100)
      #expect(ContentRange("bytes 0-99/1000")?.byteCount == 1000)
      #expect(ContentRange("bytes */0")?.byteCount == 0)
      for text in [
        nil, "", "bytes", "bytes 0-99", "bytes 0-99/*", "bytes 99-0/1000", "bytes 0-1000/1000",
        "bytes -1-5/10", "bytes 0-99/99999999999999999999", "items 0-1/2", "bytes 0-1-2/5",
        "bytes +0-1/5",
      ] {
        #expect(ContentRange(text) == nil, "\(text ?? "nil")")
      }
    }

    @Test(arguments: [
      ("hf://o/n", "n", "hf://o/n", "hf://o/n/x"),
      ("hf://o/n/a/b", "b", "hf://o/n/a", "hf://o/n/a/b/x"),
      ("https://h/a/b", "b", "https://h/a/", "https://h/a/b/x"),
      ("https://h/a/", "a", "https://h/", "https://h/a/x"),
      ("https://h/a", "a", "https://h/", "https://h/a/x"),
      ("a/b", "b", "a", "a/b/x"), ("b", "b", ".", "b/x"),
    ])
    func pathsOfBothKinds(_ text: String, _ name: String, _ folder: String, _ entry: String) {
      let path = InputPath(text)
      #expect(path.name == name)
      #expect(path.folder == folder)
      #expect(path.appending("x") == entry)
    }
  }
#endif
