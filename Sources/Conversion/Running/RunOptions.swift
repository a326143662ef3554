package import Output

/// Options of a run. None of them changes a byte that is written.
public struct RunOptions: Sendable {
  /// How many bytes of buffers a run may use, unless it is told otherwise: 256 MiB.
  public static let defaultMemory = 256 << 20

  /// Whether what is there may be replaced; other files of a folder are left alone.
  public var overwrites = false
  /// Whether a value that is not finite, or is lost beside a far larger one, is an error.
  public var isStrict = false
  /// Whether what an interrupted run left is continued, and kept if this one is interrupted.
  public var resumes = false
  /// The number of the only file of a split output that is written, from 1; `nil` for all.
  public var part: Int?
  /// How many bytes of buffers may be used: rows that are read and written, and bytes that wait to
  /// be hashed.
  public var memory = RunOptions.defaultMemory
  /// The calls by which the disk is asked to keep what was written.
  package var disk = DiskCalls()

  /// Describes a run that writes all of a new output.
  public init() {}
}
