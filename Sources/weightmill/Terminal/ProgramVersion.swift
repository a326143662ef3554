import CWeightmillCommit
import WeightmillConversion

/// What `--version` prints.
enum ProgramVersion {
  /// Name, version, and the commit if the build knew one: `weightmill 0.1.0 (64c71cc)`.
  ///
  /// Files that are written name the version alone, so that their bytes do not depend on the commit.
  static var line: String {
    let commit = unsafe String(cString: weightmill_commit())
    let version = "weightmill \(Weightmill.version)"
    return commit.isEmpty ? version : "\(version) (\(commit))"
  }
}
