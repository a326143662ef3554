/// Writes folders as PEFT saves LoRA adapters, for tests of what does not fit.
public struct AdapterBuilder: Sendable {
  /// A tensor: its extents, its values, and how they are stored.
  public struct Tensor: Sendable {
    /// The extents, outermost first.
    public var extents: [Int]
    /// The type by safetensors' name.
    public var type: String
    /// The values, little endian.
    public var bytes: [UInt8]

    /// Float32 values.
    public init(_ extents: [Int], _ values: [Float]) {
      self.extents = extents
      type = "F32"
      var all = Bytes()
      for value in values { all.put(value.bitPattern) }
      bytes = all.all
    }

    /// Random values, of about the size that training gives them.
    public init(_ extents: [Int], seed: UInt64) {
      var random = SeededGenerator(seed: seed)
      self.init(extents, (0..<extents.reduce(1, *)).map { _ in random.gaussian() * 0.1 })
    }

    /// Zeros of some other type.
    public init(_ extents: [Int], type: String, size: Int) {
      self.extents = extents
      self.type = type
      bytes = [UInt8](repeating: 0, count: extents.reduce(size, *))
    }
  }

  /// What stands in front of every name.
  public static let prefix = "base_model.model."

  /// The tensors by their names without the prefix.
  public var tensors: [String: Tensor] = [:]
  /// The members of `adapter_config.json`, each as JSON.
  public var settings = ["peft_type": "\"LORA\"", "r": "4", "lora_alpha": "8"]

  /// Makes an adapter without tensors.
  public init() {}

  /// An update of a module of `SmallModel`.
  public mutating func update(
    _ module: String, rank: Int = 4, inputs: Int = 64, outputs: Int = 64, seed: UInt64 = 5
  ) {
    tensors["\(module).lora_A.weight"] = Tensor([rank, inputs], seed: seed)
    tensors["\(module).lora_B.weight"] = Tensor([outputs, rank], seed: seed + 1)
  }

  /// Writes `adapter_config.json` and `adapter_model.safetensors` to a folder.
  @discardableResult
  public func write(to folder: TemporaryFolder, _ name: String = "lora") throws -> String {
    var header: [String] = []
    var data: [UInt8] = []
    for (tensor, content) in tensors.sorted(by: { $0.key < $1.key }) {
      let whole = tensor.hasPrefix("!") ? String(tensor.dropFirst()) : Self.prefix + tensor
      header.append(
        #""\#(whole)":{"dtype":"\#(content.type)","shape":\#(content.extents),"#
          + #""data_offsets":[\#(data.count),\#(data.count + content.bytes.count)]}"#)
      data += content.bytes
    }
    var file = Bytes()
    let text = "{\(header.joined(separator: ","))}"
    file.put(UInt64(text.utf8.count))
    file.put(text)
    file.put(data)
    try folder.write(file.all, to: "\(name)/adapter_model.safetensors")
    let members = settings.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }
    try folder.write(
      "{\(members.joined(separator: ","))}".utf8, to: "\(name)/adapter_config.json")
    return folder(name)
  }
}
