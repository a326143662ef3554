import Foundation
import SystemPackage
import Testing
import WeightmillGGUF
import WeightmillMetadata
import WeightmillOutput
import WeightmillTensors
import WeightmillTestSupport

/// Files whose metadata is changed, in place or not, and what crashes leave.
struct MetadataFileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = try SampleFile.write(to: folder)
  }

  private func plan(
    _ arguments: String..., output: String? = nil, force: Bool = false, problems: Bool = false
  ) throws -> MetadataPlan {
    try MetadataFile(path).plan(
      arguments.map { .set(try MetadataEdit.Assignment($0)) }, output: output, overwrites: force,
      allowsProblems: problems)
  }

  private func change(
    _ arguments: String..., output: String? = nil, force: Bool = false
  ) throws {
    try MetadataFile(path).plan(
      arguments.map { .set(try MetadataEdit.Assignment($0)) }, output: output, overwrites: force,
      allowsProblems: false
    ).write(Cancellation()) { _, _ in }
  }

  @Test func aValueOfTheSameWidthChangesInPlace() throws {
    let (before, data) = (try Fixtures.bytes(path), try SampleFile.data(path))
    try change("llama.context_length=129", "general.name=elpmaS")
    let after = try Fixtures.bytes(path)
    #expect(after.count == before.count)
    // 128 → 129 is one byte; the two names differ in all six.
    #expect(zip(before, after).count { $0 != $1 } == 7)
    #expect(try SampleFile.data(path) == data)
    #expect(try folder.names() == ["x.gguf"])
    try change("llama.context_length=128", "general.name=Sample")
    #expect(try Fixtures.bytes(path) == before)
  }

  /// The header ends with padding: what fits into it moves nothing.
  @Test func paddingIsRoomForLongerValues() throws {
    var metadata = SampleFile.metadata
    metadata["general.name"] = .string(String(repeating: "m", count: 80))
    _ = try SampleFile.write(to: folder, "x.gguf", metadata)
    let data = try SampleFile.data(path)
    var inPlace = 0
    for length in 40..<130 {
      let name = String(repeating: "n", count: length)
      guard case .inPlace = try plan("general.name=\(name)", force: true).way else { continue }
      try change("general.name=\(name)")
      inPlace += 1
      #expect(try SampleFile.data(path) == data)
      let file = try GGUFFile(path: path)
      #expect(file.metadata["general.name"] == .string(name))
      // Padding is zeros.
      let end = file.tensorInfos.upperBound
      #expect(try file.bytes(at: end, count: file.dataStart - end).allSatisfy { $0 == 0 })
    }
    #expect(inPlace == 32)
  }

  @Test func whatMovesTensorsNeedsANewFile() throws {
    let before = try Fixtures.bytes(path)
    let long = String(repeating: "n", count: 100)
    let error = expectError(.cannotWrite) { try change("general.name=\(long)") }
    #expect(error?.description.contains("--output") == true)
    #expect(try Fixtures.bytes(path) == before)
    try change("general.name=\(long)", output: folder("y.gguf"))
    #expect(try Fixtures.bytes(path) == before)
    #expect(try SampleFile.data(folder("y.gguf")) == SampleFile.data(path))
    #expect(try GGUFFile(path: folder("y.gguf")).metadata["general.name"] == .string(long))
    expectError(.cannotWrite) { try change("general.name=\(long)", output: folder("y.gguf")) }
    expectError(.cannotWrite) { try change("general.name=\(long)", output: path, force: true) }
  }

  @Test func aFileThatIsWrittenAnewKeepsItsPermissions() throws {
    #expect(chmod(path, 0o600) == 0)
    let data = try SampleFile.data(path)
    try change("general.name=\(String(repeating: "n", count: 100))", force: true)
    #expect(try SampleFile.data(path) == data)
    #expect(try folder.names() == ["x.gguf"])
    #expect(try FilePath(path).stat().permissions == [.ownerReadWrite])
  }

  @Test func alignmentChangesOnlyInANewFile() throws {
    expectError(.cannotWrite) { try change("general.alignment=64") }
    try change("general.alignment=64", output: folder("y.gguf"))
    let file = try GGUFFile(path: folder("y.gguf"))
    #expect(file.alignment == 64 && file.offsets.allSatisfy { $0 % 64 == 0 })
    #expect(try SampleFile.data(folder("y.gguf")) == SampleFile.data(path))
    expectError(.unsupported) { try change("general.alignment=48", output: folder("z.gguf")) }
    #expect(try folder.names() == ["x.gguf", "y.gguf"])
  }

  @Test func newProblemsAreErrorsAndOldOnesNotes() throws {
    let error = expectError(.mismatch) { _ = try self.plan("tokenizer.ggml.eos_token_id=99") }
    #expect(error?.description.contains("ids of tokens end at 3") == true)
    let plan = try plan("tokenizer.ggml.eos_token_id=99", problems: true)
    #expect(plan.notes.count == 1)
    try plan.write(Cancellation()) { _, _ in }
    // Another key may be changed all the same.
    #expect(try self.plan("llama.context_length=64").notes.count == 1)
    #expect(try self.plan("tokenizer.ggml.eos_token_id=2").notes.isEmpty)
  }

  @Test func linksAreNotFollowedAndOtherNamesMentioned() throws {
    let alias = folder("link.gguf")
    #expect(symlink(path, alias) == 0)
    expectError(.cannotWrite) {
      _ = try MetadataFile(alias).plan(
        [.set(try MetadataEdit.Assignment("llama.context_length=64"))], output: nil,
        overwrites: true, allowsProblems: false)
    }
    #expect(link(path, folder("second.gguf")) == 0)
    #expect(try plan("llama.context_length=64").notes.contains { $0.contains("2 names") })
  }

  @Test func whatStaysAsItIsIsNotWritten() throws {
    let plan = try plan("llama.context_length=128")
    #expect(plan.way == .nothing)
    #expect(plan.edited.changes.isEmpty)
  }

  // MARK: Crashes

  private func range(_ arguments: String...) throws -> (RangeReplacement, FileIdentity?) {
    let file = try MetadataFile(path)
    let plan = try file.plan(
      arguments.map { .set(try MetadataEdit.Assignment($0)) }, output: nil, overwrites: false,
      allowsProblems: false)
    guard case .inPlace(let range) = plan.way else {
      throw WeightmillError(.internal, path, "is not changed in place")
    }
    return (range, file.file.identity)
  }

  private var backup: String { HeaderBackup.path(of: path) }

  /// Stops at each piece that is written: the next run finds the old header or the new one, never a mixture.
  @Test func aCrashAtAnyStepLeavesTheOldOrTheNewHeader() throws {
    let old = try Fixtures.bytes(path)
    var steps: [RangeReplacement.Step] = []
    let (range, identity) = try range("general.name=elpmaS", "tokenizer.ggml.eos_token_id=1")
    let twin = try folder.write(old, to: "twin.gguf")
    let whole = try GGUFFile(path: twin).header(
      with: EditedMetadata(
        [
          .set(MetadataEdit.Assignment("general.name=elpmaS")),
          .set(MetadataEdit.Assignment("tokenizer.ggml.eos_token_id=1")),
        ], to: SampleFile.metadata, path: twin
      ).metadata)
    let new = try #require(whole) + old.dropFirst(try #require(whole).count)
    try range.perform(on: path, identity, backup: backup, pieceBytes: 16) {
      steps.append($0)
      return true
    }
    #expect(try Fixtures.bytes(path) == new)
    let pieces = (range.count + 15) / 16
    #expect(pieces > 10 && steps.count == pieces + 2)
    for (number, _) in steps.enumerated() {
      // The file keeps its identity.
      try old.withUnsafeBytes { bytes in
        let file = try FileDescriptor.open(FilePath(path), .writeOnly)
        try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 0, bytes) }
      }
      var count = 0
      try range.perform(on: path, identity, backup: backup, pieceBytes: 16) { _ in
        count += 1
        return count <= number
      }
      // Nobody reads it meanwhile.
      let error = expectError(.malformed) { _ = try GGUFFile(path: path) }
      #expect(error?.description.contains("weightmill metadata") == true)
      let file = try MetadataFile(path)
      let isNew = number >= pieces
      #expect(try Fixtures.bytes(path) == (isNew ? new : old), "step \(number)")
      #expect(file.notes.count == 1)
      #expect(try folder.names() == ["twin.gguf", "x.gguf"])
    }
  }

  @Test func aBackupOfAnotherFileIsNotTaken() throws {
    let (range, identity) = try range("general.name=elpmaS")
    try range.perform(on: path, identity, backup: backup) { _ in false }
    // Another file of the same size has come since.
    var other = try Fixtures.bytes(path)
    for index in other.indices.dropFirst(24) { other[index] ^= 0x55 }
    try folder.write(other, to: "x.gguf")
    let error = expectError(.malformed) { _ = try MetadataFile(path) }
    #expect(error?.file == backup)
    #expect(try Fixtures.bytes(path) == other)
    // Or one of another size.
    try folder.write(other.dropLast(), to: "x.gguf")
    expectError(.malformed) { _ = try MetadataFile(path) }
  }

  @Test(arguments: [
    "", "weightmill backup 2\n", "weightmill backup 1\nsize 1\nposition 0\ncount 1\n\n",
    "weightmill backup 1\nsize 9223372036854775807\nposition 9223372036854775807\ncount 1\n\nab",
    "weightmill backup 1\nsize 10\nposition 10\ncount 1\n\nab",
    "weightmill backup 1\nsize -1\nposition 0\ncount 1\n\nab",
    "weightmill backup 1\nsize 10\nposition 0\ncount 99999999999999999999\n\nab",
    "weightmill backup 1\nsize 10\nposition 0\ncount 0\n\n",
  ])
  func backupsThatNobodyMadeAreRefused(text: String) throws {
    try folder.write(text.utf8, to: ".x.gguf.header-backup")
    let before = try Fixtures.bytes(path)
    let error = expectError(.malformed) { _ = try MetadataFile(path) }
    #expect(error?.file == backup)
    #expect(try Fixtures.bytes(path) == before)
  }

  @Test func aFileThatHasChangedSinceItWasReadIsLeftAlone() throws {
    let (range, identity) = try range("general.name=elpmaS")
    try change("general.name=Other1")
    let before = try Fixtures.bytes(path)
    expectError(.mismatch) { try range.perform(on: path, identity, backup: backup) }
    #expect(try Fixtures.bytes(path) == before)
    #expect(try folder.names() == ["x.gguf"])
  }

  /// The disk refuses to flush: the old header is written back, and if that fails, too, the backup stays.
  @Test(arguments: [1, 2]) func aDiskThatFailsLeavesTheOldHeaderOrABackup(failures: Int) throws {
    let before = try Fixtures.bytes(path)
    let (range, identity) = try range("general.name=elpmaS")
    let left = Counter(failures)
    var disk = DiskCalls()
    disk.flush = { left.take() ? .ioError : $0.flush() }
    expectError(.inputOutput) {
      try range.perform(on: path, identity, backup: backup, disk: disk)
    }
    #expect(try folder.names().count == failures)
    _ = try MetadataFile(path)
    #expect(try Fixtures.bytes(path) == before)
    #expect(try folder.names() == ["x.gguf"])
  }

  // MARK: Parts

  @Test func theFirstPartOfASplitFileIsChangedWhereItIs() throws {
    var metadata = SampleFile.metadata
    metadata["split.no"] = .uint16(0)
    metadata["split.count"] = .uint16(2)
    metadata["split.tensors.count"] = .int32(4)
    let first = try SampleFile.write(to: folder, "m-00001-of-00002.gguf", metadata)
    let edits = [MetadataEdit.set(try MetadataEdit.Assignment("general.name=elpmaS"))]
    try MetadataFile(first).plan(edits, output: nil, overwrites: false, allowsProblems: false)
      .write(Cancellation()) { _, _ in }
    #expect(try GGUFFile(path: first).metadata["general.name"] == .string("elpmaS"))
    expectError(.unsupported) {
      _ = try MetadataFile(first).plan(
        edits, output: folder("o.gguf"), overwrites: false, allowsProblems: false)
    }
    var later = GGUFMetadata()
    later["split.no"] = .uint16(1)
    later["split.count"] = .uint16(2)
    later["split.tensors.count"] = .int32(4)
    let second = try SampleFile.write(to: folder, "m-00002-of-00002.gguf", later)
    let file = try MetadataFile(second)
    #expect(file.problems.isEmpty && file.notes.count == 1)
    let error = expectError(.unsupported) {
      _ = try file.plan(edits, output: nil, overwrites: false, allowsProblems: false)
    }
    #expect(error?.remedy == "change \(first)")
  }
}

/// How many times something still fails.
private final class Counter: @unchecked Sendable {
  private var left: Int

  init(_ left: Int) { self.left = left }

  func take() -> Bool {
    left -= 1
    return left >= 0
  }
}
