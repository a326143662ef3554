/// The tensors of one file.
public protocol FileCatalogue: Catalogue {
  /// Shows all bytes of the file that are read from now on.
  ///
  /// - Parameter watcher: Who looks at them; `nil` for nobody.
  func show(to watcher: (any ReadWatcher)?)
}
