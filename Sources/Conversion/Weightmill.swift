/// What the program says of itself.
public enum Weightmill {
  /// The version, as written into files.
  public static let version = "0.1.0"
}
