#if Remote
  import WeightmillTensors

  extension Requester.Reply {
    /// Whether there is no such file.
    var isMissing: Bool { [404, 410].contains(status) }

    /// Whether the file may be there, but not for us.
    var isForbidden: Bool { [401, 403].contains(status) }

    /// The error for an answer that is none of those that were asked for.
    ///
    /// - Parameters:
    ///   - name: What was asked for, as it may be shown.
    ///   - isHub: Whether a hub was asked.
    ///   - hasToken: Whether a token went along.
    /// - Returns: The error.
    func error(_ name: String, isHub: Bool, hasToken: Bool) -> WeightmillError {
      switch outcome.header("X-Error-Code") {
      case "GatedRepo":
        return WeightmillError(
          .noInput, name, "is open only to those who accepted its licence", at: address.host,
          remedy: hasToken
            ? "accept it on the model's page, with the account of the token in HF_TOKEN"
            : "accept it on the model's page, and give a token of that account in HF_TOKEN")
      case "RevisionNotFound":
        return WeightmillError(
          .noInput, name, "has no such revision", at: address.host,
          remedy: "check the branch, tag or commit after the @")
      default: break
      }
      if isForbidden {
        return WeightmillError(
          .noInput, name, isHub ? "is not there, or not for everybody" : "may not be read",
          at: "\(address.host) answers \(status)",
          remedy: !isHub
            ? "check the address, and whether it has expired"
            : hasToken
              ? "check the name, and what the token in HF_TOKEN may read"
              : "check the name; if the model is private, give a token in HF_TOKEN")
      }
      if isMissing {
        return WeightmillError(
          .noInput, name, "is not there", at: "\(address.host) answers \(status)",
          remedy: isHub ? "check the name" : "check the address; that of a folder ends in /")
      }
      return WeightmillError(
        .inputOutput, name, "the server answers \(status)", at: address.host,
        remedy: "check the address")
    }
  }
#endif
