// swift-tools-version: 6.2
import PackageDescription

// `make` sets it and `--version` prints it. Only CCommitText is compiled anew when it changes.
// Context.gitInformation would not do: it is kept for as long as this file stays the same.
let commit = Context.environment["WEIGHTMILL_COMMIT"].map { value in
  CSetting.define(
    "WEIGHTMILL_COMMIT", to: "\"\(value.filter { $0.isHexDigit || "+changes".contains($0) })\"")
}

// Rooms, in import order: a target may import only targets listed above it.
// ARCHITECTURE.md says what each owns and what it must not know.
let package = Package(
  name: "weightmill",
  // Span and the Synchronization module need no back-deployment library from this version on.
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "weightmill", targets: ["weightmill"]),
    .library(
      name: "Weightmill",
      targets: [
        "Tensors", "StrictJSON", "PyTorch", "Safetensors", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Merging", "Output", "Models", "Conversion", "Presentation", "Verification",
        "Reporting", "Comparison", "Calibration",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    // No traits: none is used, and of two of them SwiftPM hands the flags on in an order that changes from
    // one plan to the next, so that each change of the environment compiled it anew.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // Deflated zip entries: re-zipping tools write them into .pth files.
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    // Loops that need instructions the compiler may not assume; each has a portable form.
    .target(name: "CKernels"),

    .target(
      name: "Tensors",
      dependencies: ["CKernels", .product(name: "SystemPackage", package: "swift-system")]),
    .target(
      name: "Output",
      dependencies: ["Tensors", .product(name: "SystemPackage", package: "swift-system")]),
    .target(name: "StrictJSON", dependencies: ["Tensors"]),

    .target(name: "PyTorch", dependencies: ["CZlib", "Tensors"]),
    .target(name: "Safetensors", dependencies: ["Tensors", "StrictJSON"]),
    .target(name: "GGUF", dependencies: ["Tensors"]),

    .target(name: "Quantization", dependencies: ["CKernels", "Tensors"]),
    .target(
      name: "Tokenization",
      dependencies: [
        "Tensors", "StrictJSON",
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["SentencePiece/sentencepiece_model.proto"]),
    .target(name: "LLaMA", dependencies: ["CKernels", "Tensors", "StrictJSON", "Quantization"]),
    .target(name: "Merging", dependencies: ["CKernels", "Tensors", "StrictJSON", "LLaMA"]),
    .target(
      name: "Models",
      dependencies: [
        "Tensors", "StrictJSON", "PyTorch", "Safetensors", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Merging", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "Conversion",
      dependencies: [
        "Tensors", "Output", "StrictJSON", "Safetensors", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Merging", "Models",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(name: "Presentation", dependencies: ["Tensors"]),
    .target(
      name: "Verification",
      dependencies: [
        "Tensors", "Output", "StrictJSON", "Safetensors", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Models", "Conversion", "Presentation",
      ]),
    .target(
      name: "Reporting",
      dependencies: ["Tensors", "Output", "Presentation", "Verification"]),
    .target(
      name: "Comparison",
      dependencies: ["Tensors", "LLaMA", "Quantization", "Models"]),
    .target(
      name: "Calibration",
      dependencies: [
        "Tensors", "Output", "GGUF", "Quantization", "Tokenization", "LLaMA", "Models",
      ]),

    // The commit. A Swift target is compiled anew with each C target that it imports, so there are two.
    .target(name: "CCommitText", cSettings: commit.map { [$0] }),
    .target(name: "CCommit", dependencies: ["CCommitText"]),
    .executableTarget(
      name: "weightmill",
      dependencies: [
        "CCommit", "Tensors", "StrictJSON", "PyTorch", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Merging", "Output", "Models", "Conversion", "Presentation", "Verification",
        "Reporting", "Comparison", "Calibration",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Encoders and the forward pass in memory: `make bench`. They are no products, so that nobody who
    // uses this package builds them.
    .executableTarget(
      name: "encoder-benchmark", dependencies: ["Tensors", "Quantization"],
      path: "Benchmarks/encoders"),
    .target(name: "CPeak", path: "Benchmarks/peak"),
    .executableTarget(
      name: "forward-benchmark", dependencies: ["CPeak", "Tensors", "Quantization", "LLaMA"],
      path: "Benchmarks/forward"),

    .target(
      name: "TestSupport",
      dependencies: [
        "CZlib", "Tensors", "GGUF", "LLaMA", .product(name: "Crypto", package: "swift-crypto"),
      ],
      path: "Tests/TestSupport"),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
    .testTarget(name: "StrictJSONTests", dependencies: ["Tensors", "StrictJSON", "TestSupport"]),
    .testTarget(name: "PyTorchTests", dependencies: ["Tensors", "PyTorch", "TestSupport"]),
    .testTarget(name: "SafetensorsTests", dependencies: ["Tensors", "Safetensors", "TestSupport"]),
    .testTarget(name: "GGUFTests", dependencies: ["Tensors", "GGUF", "TestSupport"]),
    .testTarget(
      name: "QuantizationTests",
      dependencies: ["CKernels", "Tensors", "Quantization", "TestSupport"]),
    .testTarget(
      name: "TokenizationTests",
      dependencies: ["Tensors", "Tokenization", "Models", "TestSupport"]),
    .testTarget(
      name: "LLaMATests",
      dependencies: [
        "CKernels", "Tensors", "StrictJSON", "Safetensors", "Tokenization", "LLaMA", "Models",
        "TestSupport",
      ]),
    .testTarget(
      name: "MergingTests",
      dependencies: [
        "CKernels", "Tensors", "StrictJSON", "Tokenization", "LLaMA", "Merging", "Models",
        "Conversion", "TestSupport",
      ]),
    .testTarget(
      name: "ConversionTests",
      dependencies: [
        "Tensors", "Output", "StrictJSON", "PyTorch", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Models", "Conversion", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "ModelsTests",
      dependencies: [
        "Tensors", "PyTorch", "GGUF", "Quantization", "Tokenization", "Models", "Conversion",
        "Calibration", "TestSupport",
      ]),
    .testTarget(
      name: "ComparisonTests",
      dependencies: [
        "Tensors", "StrictJSON", "GGUF", "Quantization", "LLaMA", "Models", "Conversion",
        "Comparison", "TestSupport",
      ]),
    .testTarget(
      name: "ReportingTests",
      dependencies: [
        "Tensors", "StrictJSON", "LLaMA", "Presentation", "Verification", "Reporting",
        "TestSupport",
      ]),
    .testTarget(
      name: "VerificationTests",
      dependencies: [
        "Tensors", "StrictJSON", "GGUF", "Quantization", "Tokenization", "LLaMA", "Models",
        "Conversion", "Presentation", "Verification", "TestSupport",
      ]),
    .testTarget(
      name: "CalibrationTests",
      dependencies: [
        "Tensors", "Quantization", "Tokenization", "LLaMA", "Models", "Conversion", "Calibration",
        "TestSupport",
      ]),
    // Runs the executable as a user would.
    .testTarget(
      name: "WeightmillTests", dependencies: ["weightmill", "Tensors", "GGUF", "TestSupport"]),
  ]
)

// The readers under libFuzzer: `make fuzz`. Its flags are not for packages that use this one.
if Context.environment["WEIGHTMILL_FUZZING"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Tensors", "StrictJSON", "PyTorch", "Safetensors", "GGUF", "Quantization", "Tokenization",
        "LLaMA", "Models", "Conversion", "Verification",
      ],
      path: "Fuzz", exclude: ["seeds", "run.sh"],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}

for target in package.targets where target.type != .system {
  var settings = target.swiftSettings ?? []
  settings += [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
  // What lies in Sources marks every unsafe use with `unsafe`.
  if target.path == nil, target.type != .test { settings.append(.strictMemorySafety()) }
  target.swiftSettings = settings
}
