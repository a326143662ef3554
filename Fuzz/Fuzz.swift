/// libFuzzer's driver: runs the callback on inputs of its making.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Gives an input of libFuzzer's making to the reader that `WEIGHTMILL_FUZZ` names.
///
/// libFuzzer's own `main`, which the linker takes along in debug mode, asks for it by this name.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  FuzzedReader.chosen.read([UInt8](UnsafeBufferPointer(start: start, count: size)))
  return 0
}

/// The program that `make fuzz` runs.
///
/// Errors are what readers are for; a trap, a report of the address sanitizer, more memory or time
/// than libFuzzer is told to allow are finds.
@main
enum Fuzz {
  static func main() {
    _ = FuzzedReader.chosen
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    _ = runDriver(&count, &arguments, testOneInput)
  }
}
