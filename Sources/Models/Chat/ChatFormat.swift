/// The form in which a family of models wants a conversation: the texts that go around each message.
///
/// In all texts `{bos}` and `{eos}` stand for the tokens that begin and end a text.
struct ChatFormat: Sendable {
  /// What goes before and after a text.
  struct Frame: Equatable, Sendable {
    let before: String
    let after: String

    init(_ before: String, _ after: String) {
      self.before = before
      self.after = after
    }
  }

  /// Where the system message goes.
  enum System: Equatable, Sendable {
    /// Before the turns, if there is one.
    case turn(Frame)
    /// Before the turns; the frame is there without one, too.
    case always(Frame)
    /// Into a question, in front of it.
    case question(Frame, Question)
    /// Nowhere: the model does not know such messages.
    case refused
  }

  /// The question that takes the system message along.
  enum Question: Equatable, Sendable {
    case first
    case last
    /// The first; white space is taken off both together.
    case firstAsOne
  }

  /// Whose texts lose the white space around them.
  enum Trimming: Equatable, Sendable {
    case nobodys
    case everybodys
    /// The user's and the assistant's, not the system's.
    case turns
    /// Everybody's, where the template says so.
    case everybodysIfSaid
    /// The assistant's, where the template says so.
    case assistantsIfSaid
  }

  /// The name, llama.cpp's where it has one.
  let name: String
  /// What the template holds, all of it.
  let marks: [String]
  /// What it does not hold.
  var lacks: [String] = []
  /// What its outline holds: outputs as `TemplateOutline` writes them.
  var code: [String] = []
  /// Where the system message goes.
  let system: System
  /// What goes around a question.
  let user: Frame
  /// What goes around an answer.
  let assistant: Frame
  /// What begins an answer that is asked for, where the template does not say.
  var answerStart = ""
  /// What is written before everything else.
  var opening = ""
  /// Whose texts are trimmed.
  var trimming = Trimming.nobodys
  /// What stands in the outline before a system message that the template brings along.
  var ownSystemMark: String?

  /// All texts that go around messages.
  var frames: [(role: Conversation.Role, frame: Frame)] {
    var frames: [(role: Conversation.Role, frame: Frame)] = [
      (.user, user), (.assistant, assistant),
    ]
    switch system {
    case .turn(let frame), .always(let frame), .question(let frame, _):
      frames.append((.system, frame))
    case .refused: break
    }
    return frames
  }

  /// Whether each turn brings the token along that begins a text.
  var writesOwnBOS: Bool {
    frames.contains { $0.frame.before.contains("{bos}") } || opening.contains("{bos}")
  }
}
