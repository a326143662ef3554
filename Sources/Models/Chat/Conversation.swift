package import WeightmillStrictJSON
package import WeightmillTensors

/// A conversation for a model to go on with.
///
/// A system message may come first. User and assistant then take turns, and the user has the last
/// word.
package struct Conversation: Equatable, Sendable {
  /// The one who says something; the raw values are those of `role` in JSON.
  package enum Role: String, CaseIterable, Sendable {
    case system, user, assistant
  }

  /// What the model is told before the first question.
  package private(set) var system: String?
  /// What user and assistant said in turns: an odd number of texts, the user's first and last.
  package let turns: [String]

  /// A conversation of one question.
  ///
  /// - Parameters:
  ///   - question: What the user asks.
  ///   - system: The system message.
  package init(question: String, system: String? = nil) {
    turns = [question]
    self.system = system
  }

  /// A conversation whose turns are the user's, the assistant's, … and the user's.
  init(system: String?, turns: [String]) {
    self.system = system
    self.turns = turns
  }

  /// Reads a JSON file: a list of `{"role": …, "content": …}`.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, `inputOutput`; `malformed` when it is no such list, or nobody's turn to
  ///   speak; `unsupported` when a message has more than a role and a text.
  package init(path: String) throws(WeightmillError) {
    try self.init(try TextInput.json(path), location: path)
  }

  /// Reads a list of messages.
  ///
  /// - Parameters:
  ///   - json: The list.
  ///   - location: The file, for messages.
  /// - Throws: As `init(path:)`.
  package init(_ json: JSONValue, location: String) throws(WeightmillError) {
    guard let list = json.array else {
      throw WeightmillError(
        .malformed, location, "is not a JSON list of messages",
        remedy: #"write it as [{"role": "user", "content": "Hello"}]"#)
    }
    var system: String?
    var turns: [String] = []
    for (index, value) in list.enumerated() {
      let message = try Message(value, number: index + 1, location: location)
      switch message.role {
      case .system:
        guard index == 0 else {
          throw message.fault("is the system's, which may only be the first")
        }
        system = message.content
      case .user, .assistant:
        let next: Role = turns.count.isMultiple(of: 2) ? .user : .assistant
        guard message.role == next else {
          throw message.fault(
            "is the \(message.role.rawValue)'s, where the \(next.rawValue) has the word")
        }
        turns.append(message.content)
      }
    }
    guard !turns.count.isMultiple(of: 2) else {
      throw WeightmillError(
        .malformed, location, "does not end with a message of the user",
        remedy: "end it with what the model shall answer")
    }
    self.system = system
    self.turns = turns
  }

  /// The conversation with a system message.
  ///
  /// - Parameters:
  ///   - text: The message.
  ///   - location: The conversation's file, for messages.
  /// - Returns: The conversation.
  /// - Throws: `usage` when it has one.
  package func with(system text: String, location: String) throws(WeightmillError) -> Conversation {
    guard system == nil else {
      throw WeightmillError(
        .usage, location, "begins with a system message of its own", remedy: "leave out --system")
    }
    var result = self
    result.system = text
    return result
  }

  /// The texts, the system's first.
  package var texts: [String] { (system.map { [$0] } ?? []) + turns }
}

/// One message as it stands in the file.
private struct Message {
  let role: Conversation.Role
  let content: String
  let number: Int
  let location: String

  init(_ value: JSONValue, number: Int, location: String) throws(WeightmillError) {
    self.number = number
    self.location = location
    func fault(
      _ problem: String, _ code: WeightmillError.Code = .malformed, remedy: String? = nil
    ) -> WeightmillError {
      WeightmillError(code, location, problem, at: "message \(number)", remedy: remedy)
    }
    guard let object = value.object else { throw fault("holds what is not a JSON object") }
    for member in object.members where member.name != "role" && member.name != "content" {
      throw fault(
        "has a message with \(quoted(member.name)), which is not read", .unsupported,
        remedy: "leave only role and content")
    }
    guard let name = object["role"]?.string, let content = object["content"]?.string else {
      throw fault("has a message whose role or content is not a text")
    }
    guard let role = Conversation.Role(rawValue: name) else {
      throw fault(
        "has a message of the role \(quoted(name))", remedy: "roles are system, user and assistant")
    }
    guard !content.isEmpty else { throw fault("has a message without a text") }
    self.role = role
    self.content = content
  }

  /// The error for a message that is not in its place.
  func fault(_ problem: String) -> WeightmillError {
    WeightmillError(
      .malformed, location, "has a message that \(problem)", at: "message \(number)",
      remedy: "after the system's, user and assistant take turns")
  }
}
