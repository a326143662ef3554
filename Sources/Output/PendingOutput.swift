package import Tensors

/// An output that is being written: one file, or a folder of files.
///
/// It appears under its name when it is complete. One that is not committed is removed.
package protocol PendingOutput: Sendable {
  /// Creates one of its files, or opens what an interrupted run has of it.
  ///
  /// - Parameters:
  ///   - name: Its name in the output's folder; `nil` for an output that is one file.
  ///   - byteCount: Its size; what is not written reads as zeros.
  /// - Returns: The file.
  /// - Throws: `cannotWrite`, `inputOutput`.
  func begin(_ name: String?, byteCount: Int) throws(WeightmillError) -> WritableFile

  /// Leaves what was written where it is, for a run that resumes, unless it is committed.
  func keep()

  /// Flushes everything to the disk, closes its files and gives it its name.
  ///
  /// - Parameter cancellation: A way to stop while the disk is waited for.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`.
  func commit(_ cancellation: Cancellation) throws(WeightmillError)
}
