/// The program's name and version.
public enum Weightmill {
  /// The version, as written into files.
  public static let version = "0.1.0"
}
