import WeightmillLLaMA
import WeightmillOutput
import WeightmillTensors

/// What a text's parts have between two stages of a layer: in memory as far as that goes, the rest in a file
/// beside the output.
final class PartStore {
  /// One of the models that a part goes through.
  enum Side: Int, CaseIterable {
    /// The model that is quantized.
    case reference
    /// What is written of it.
    case written
  }

  /// The bytes of a part of one model, at most.
  private let slot: Int
  /// How many of the slots are kept in memory.
  private let kept: Int
  private var memory: [ForwardPass.Between?]
  private var shapes: [(rows: Int, hidden: Int, input: Int)]
  private let file: ScratchFile?
  /// The output, for messages.
  private let path: String

  /// Makes room.
  ///
  /// - Parameters:
  ///   - parts: How many parts the text has.
  ///   - slot: The bytes of a part of one model, at most.
  ///   - memory: How many bytes of them may be kept in memory.
  ///   - path: The output.
  /// - Throws: `cannotWrite` when a file is needed and cannot be made.
  init(parts: Int, slot: Int, memory: Int, beside path: String) throws(WeightmillError) {
    let slots = parts * Side.allCases.count
    self.path = path
    self.slot = slot
    kept = Self.kept(slots: slots, slot: slot, memory: memory)
    self.memory = [ForwardPass.Between?](repeating: nil, count: slots)
    shapes = [(rows: Int, hidden: Int, input: Int)](repeating: (0, 0, 0), count: slots)
    file = kept < slots ? try ScratchFile(beside: path) : nil
  }

  /// How many slots fit into memory.
  static func kept(slots: Int, slot: Int, memory: Int) -> Int {
    min(slots, memory / max(1, slot))
  }

  /// Stores what a part has.
  func put(_ state: ForwardPass.Between, part: Int, _ side: Side) throws(WeightmillError) {
    let index = part * Side.allCases.count + side.rawValue
    guard index >= kept, let file else {
      memory[index] = state
      return
    }
    shapes[index] = (state.hidden.rows, state.hidden.columns, state.input.columns)
    let first = (index - kept) * slot
    let hidden = unsafe PanelMatrix(state.hidden).bytes
    unsafe try file.write(UnsafeRawBufferPointer(hidden), at: first)
    unsafe try file.write(
      unsafe UnsafeRawBufferPointer(PanelMatrix(state.input).bytes), at: first + hidden.count)
  }

  /// What a part has; it has to be put back if it changes.
  func state(part: Int, _ side: Side) throws(WeightmillError) -> ForwardPass.Between {
    let index = part * Side.allCases.count + side.rawValue
    if let state = memory[index] { return state }
    guard let file else {
      throw WeightmillError(.internal, path, "a part of the text was read before it was written")
    }
    let shape = shapes[index]
    let hidden = Activations(rows: shape.rows, columns: shape.hidden)
    let input = Activations(rows: shape.rows, columns: shape.input)
    let first = (index - kept) * slot
    let bytes = unsafe PanelMatrix(hidden).bytes
    unsafe try file.read(into: bytes, at: first)
    unsafe try file.read(into: PanelMatrix(input).bytes, at: first + bytes.count)
    return ForwardPass.Between(hidden: hidden, input: input)
  }

  /// Takes what a part has, so that nothing else holds it.
  func take(part: Int, _ side: Side) throws(WeightmillError) -> ForwardPass.Between {
    let state = try state(part: part, side)
    memory[part * Side.allCases.count + side.rawValue] = nil
    return state
  }
}
