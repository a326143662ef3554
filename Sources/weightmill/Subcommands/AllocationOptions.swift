import ArgumentParser
import WeightmillAllocation
import WeightmillConversion
import WeightmillTensors

/// The options of commands that choose types for a size.
struct AllocationOptions: ParsableArguments {
  @Option(
    help: """
      Choose the types that cost least in a file of at most this size, such as 7.9GB (all files \
      together).
      """)
  private var targetSize: ByteSize?

  @Option(
    help: ArgumentHelp(
      "The same by the bits of a value in the mean over all tensors, such as 4.6.",
      valueName: "bits"))
  private var targetBpw: Double?

  @Option(
    help: ArgumentHelp(
      "The same in the size that this mix makes, such as q4_k_m.", valueName: "mix"))
  private var like: TypeOption?

  @Option(
    help: ArgumentHelp(
      "What each type costs each matrix, as `weightmill sensitivity` has measured it.",
      valueName: "file"), completion: .file())
  var sensitivity: String?

  @Option(
    help: """
      Measure that now, by this text; or self: text that the model writes. Importance is learnt from \
      it, too, if there is none (repeatable).
      """, completion: .file())
  var text: [String] = []

  @OptionGroup var trying: TriedTypesOption

  @Option(
    help: ArgumentHelp(
      "Keep the types that were chosen, as --tensor-type-file takes them here and in llama-quantize; with --dry-run, too.",
      valueName: "file"), completion: .file())
  var saveTypes: String?

  /// How large the file may be; `nil` if that is not asked for.
  var target: SizeTarget? {
    targetSize.map { .bytes($0.bytes) } ?? targetBpw.map { .bitsPerWeight($0) }
      ?? like.map { .mix($0.mix) }
  }

  /// The option that was given first.
  var given: String? {
    [
      ("--target-size", targetSize != nil), ("--target-bpw", targetBpw != nil),
      ("--like", like != nil), ("--sensitivity", sensitivity != nil), ("--text", !text.isEmpty),
      ("--types", trying.isGiven), ("--save-types", saveTypes != nil),
    ].first { $0.1 }?.0
  }

  func validate() throws {
    let targets = [targetSize != nil, targetBpw != nil, like != nil].count { $0 }
    guard targets <= 1 else {
      throw ValidationError("--target-size, --target-bpw and --like exclude each other")
    }
    if targets == 0, let given {
      throw ValidationError("\(given) goes with --target-size, --target-bpw or --like")
    }
    guard targets == 1 else { return }
    guard (sensitivity != nil) != !text.isEmpty else {
      throw ValidationError(
        sensitivity == nil
          ? "types are chosen by what they cost: give --sensitivity, or a --text to measure by"
          : "--sensitivity and --text exclude each other")
    }
    guard text.count(where: { $0 == CalibrationTexts.selfName }) <= 1 else {
      throw ValidationError("--text self is given twice")
    }
    guard targetBpw.map({ $0 > 0 && $0 <= 64 }) ?? true else {
      throw ValidationError("--target-bpw must be above 0, and 64 at most")
    }
    if let mix = like?.mix, mix.baseType.isFloat {
      throw ValidationError("--like names a mix of types with blocks, such as q4_k_m")
    }
  }
}
