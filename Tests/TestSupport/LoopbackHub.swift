import Foundation

/// A hub on this machine, which serves folders as models.
public final class LoopbackHub: Sendable {
  /// The commit of every model.
  public static let commit = "0123456789abcdef0123456789abcdef01234567"

  /// The server.
  public let server: LoopbackServer

  /// The hub's address, for `HF_ENDPOINT`.
  public var address: String { server.address }
  /// What was asked for of weights and other files.
  public var fileRequests: [LoopbackServer.Request] {
    server.requests.filter { $0.path.contains("/resolve/") }
  }

  /// Starts a hub.
  ///
  /// - Parameters:
  ///   - models: Folders by the names of models.
  ///   - change: Changes an answer before it is sent: there are the faults.
  /// - Throws: What the system says when there is no port.
  public init(
    _ models: [String: String],
    change:
      @escaping @Sendable (LoopbackServer.Request, LoopbackServer.Answer) ->
      LoopbackServer.Answer = { $1 }
  ) throws {
    server = try LoopbackServer { request in change(request, Self.answer(request, models)) }
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ models: [String: String]
  ) -> LoopbackServer.Answer {
    let path = request.path.dropFirst().removingPercentEncoding ?? ""
    for (model, folder) in models {
      if path.hasPrefix("api/models/\(model)/revision/") {
        let revision = path.dropFirst("api/models/\(model)/revision/".count)
        guard ["main", "v1", commit].contains(String(revision)) else {
          return LoopbackServer.Answer(404, ["X-Error-Code": "RevisionNotFound"])
        }
        let names = files(in: folder).map { #"{"rfilename":"\#($0)"}"# }.joined(separator: ",")
        return LoopbackServer.Answer(
          200, ["Content-Type": "application/json"],
          Array(#"{"id":"\#(model)","sha":"\#(commit)","siblings":[\#(names)]}"#.utf8))
      }
      let start = "\(model)/resolve/\(commit)/"
      if path.hasPrefix(start),
        let bytes = try? Fixtures.bytes("\(folder)/\(path.dropFirst(start.count))")
      {
        return .part(of: bytes, request, tag: "\"\(bytes.count)\"")
      }
    }
    return LoopbackServer.Answer(401, ["X-Error-Code": "RepoNotFound"])
  }

  private static func files(in folder: String) -> [String] {
    (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter {
      var isFolder = ObjCBool(false)
      return FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }
}
