/// The text of a small `tokenizer.json`, part by part.
struct TokenizerText {
  var type = #""BPE""#
  var vocabulary = #"{"a":0,"b":1,"c":2,"ab":3,"abc":4}"#
  var merges = #"["a b","ab c"]"#
  /// More members of the model, each with a comma after it.
  var rules = ""
  /// More members next to the model, each with a comma after it.
  var more = ""

  var bytes: [UInt8] {
    Array(
      """
      {"version":"1.0",\(more)"model":{"type":\(type),\(rules)"vocab":\(vocabulary),\
      "merges":\(merges)}}
      """.utf8)
  }
}
