/// What opens inputs by their addresses.
package protocol RemoteInputs: Sendable {
  /// Whether an address leads to a folder; `nil` when it leads nowhere.
  ///
  /// - Throws: What keeps it from being known: `inputOutput`, `noInput` for what may not be read.
  func isFolder(_ address: String) throws(WeightmillError) -> Bool?

  /// The names in a folder, sorted, and whether these are all; if not, others may be there, too.
  ///
  /// - Throws: As `isFolder`.
  func names(in address: String) throws(WeightmillError) -> (names: [String], isWhole: Bool)

  /// Opens a file.
  ///
  /// - Throws: As `isFolder`; `noInput` when there is none.
  func open(_ address: String) throws(WeightmillError) -> any ByteSource

  /// The address with the revision that is read, if it has revisions.
  func pinned(_ address: String) -> String?

  /// Gives up what was tried and is to be tried again.
  func stop()
}

/// Who opens addresses.
package enum RemoteAccess {
  /// What opens addresses in this task; `nil` where none are opened.
  ///
  /// `Workers` and `Cancellation.perform` hand it on to their threads.
  @TaskLocal package static var current: (any RemoteInputs)?

  /// What opens addresses, for one that is given.
  ///
  /// - Parameter address: The address.
  /// - Returns: What opens it.
  /// - Throws: `unsupported` where none are opened.
  static func required(for address: String) throws(WeightmillError) -> any RemoteInputs {
    guard let current else {
      throw WeightmillError(
        .unsupported, address, "is an address, and this program was built without reading them",
        remedy: "build it with `make build`, or fetch the files and give their folder")
    }
    return current
  }
}
