// swift-tools-version: 6.2
import Foundation
import PackageDescription

// `make` sets it and `--version` prints it. Only CWeightmillCommitText is compiled anew when it
// changes.
// Context.gitInformation would not do: it is kept for as long as this file stays the same.
let commit = Context.environment["WEIGHTMILL_COMMIT"].map { value in
  CSetting.define(
    "WEIGHTMILL_COMMIT", to: "\"\(value.filter { $0.isHexDigit || "+changes".contains($0) })\"")
}

// SHA-256 is libcrypto's where the system has its headers: the package that has it, too, compiles 400 files of C
// for a minute. WEIGHTMILL_CRYPTO=package takes the package in any case, =system the system's.
let takesSystemCrypto =
  switch Context.environment["WEIGHTMILL_CRYPTO"] {
  case "package": false
  case "system": true
  default: FileManager.default.fileExists(atPath: "/usr/include/openssl/evp.h")
  }
let digests = Target.target(
  name: "WeightmillDigests",
  dependencies: takesSystemCrypto
    ? ["CWeightmillLibcrypto"] : [.product(name: "Crypto", package: "swift-crypto")],
  path: "Sources/Digests", swiftSettings: takesSystemCrypto ? [.define("SYSTEM_CRYPTO")] : [])
let cryptoPackages: [Package.Dependency] =
  takesSystemCrypto ? [] : [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")]

// Rooms, in import order: a target may import only targets listed above it.
// ARCHITECTURE.md says what each owns and what it must not know.
let package = Package(
  name: "weightmill",
  // The first with InlineArray and String.UTF8View.span, and with Span without a back-deployment library.
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "weightmill", targets: ["WeightmillProgram"]),
    // Everything that the library promises, by one import.
    .library(name: "Weightmill", targets: ["Weightmill"]),
    // Reading and writing files of tensors, without models.
    .library(
      name: "WeightmillFormats",
      targets: [
        "WeightmillTensors", "WeightmillPyTorch", "WeightmillSafetensors", "WeightmillGGUF",
      ]),
    // Block formats: rows of numbers to stored blocks and back.
    .library(name: "WeightmillQuantization", targets: ["WeightmillQuantization"]),
  ],
  traits: [
    .trait(
      name: "Remote",
      description:
        "Reads checkpoints by hf:// and https:// addresses; compiling takes minutes more."),
    .default(enabledTraits: ["Remote"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    // No traits: none is used, and of two of them SwiftPM hands the flags on in an order that changes from
    // one plan to the next, so that each change of the environment compiled it anew.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  ] + cryptoPackages,
  targets: [
    // Deflated zip entries: re-zipping tools write them into .pth files.
    .systemLibrary(
      name: "CWeightmillZlib", path: "Sources/CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    // SHA-256, where the build takes the system's.
    .systemLibrary(
      name: "CWeightmillLibcrypto", path: "Sources/CLibcrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),

    // Loops that need instructions the compiler may not assume; each has a portable form.
    .target(name: "CWeightmillKernels", path: "Sources/CKernels"),

    .target(
      name: "WeightmillTensors",
      dependencies: [
        "CWeightmillKernels", .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Tensors"),
    digests,
    .target(
      name: "WeightmillOutput",
      dependencies: [
        "WeightmillTensors", .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Output"),
    .target(
      name: "WeightmillStrictJSON", dependencies: ["WeightmillTensors"], path: "Sources/StrictJSON"),

    // Without the trait it is empty, and addresses are refused.
    .target(
      name: "WeightmillRemote",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON",
        .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Remote"])),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Remote"])),
        .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Remote"])),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Remote"])),
        .product(
          name: "AsyncHTTPClient", package: "async-http-client",
          condition: .when(traits: ["Remote"])),
      ], path: "Sources/Remote"),

    .target(
      name: "WeightmillPyTorch", dependencies: ["CWeightmillZlib", "WeightmillTensors"],
      path: "Sources/PyTorch"),
    .target(
      name: "WeightmillSafetensors", dependencies: ["WeightmillTensors", "WeightmillStrictJSON"],
      path: "Sources/Safetensors"),
    .target(name: "WeightmillGGUF", dependencies: ["WeightmillTensors"], path: "Sources/GGUF"),
    .target(
      name: "WeightmillModelCards",
      dependencies: ["WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF"],
      path: "Sources/ModelCards"),

    .target(
      name: "WeightmillQuantization", dependencies: ["CWeightmillKernels", "WeightmillTensors"],
      path: "Sources/Quantization"),
    .target(
      name: "WeightmillQuantizedSources",
      dependencies: ["WeightmillTensors", "WeightmillStrictJSON"], path: "Sources/QuantizedSources"),
    .target(
      name: "WeightmillTokenization",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON",
        .product(name: "HeapModule", package: "swift-collections"),
      ], path: "Sources/Tokenization"),
    // A target by itself, so that only it waits for the library of protocol buffers.
    .target(
      name: "WeightmillSentencePiece",
      dependencies: [
        "WeightmillTensors", "WeightmillTokenization",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], path: "Sources/SentencePiece", exclude: ["sentencepiece_model.proto"]),
    .target(
      name: "WeightmillLLaMA",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillStrictJSON", "WeightmillQuantization",
      ], path: "Sources/LLaMA"),
    .target(
      name: "WeightmillMerging",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillStrictJSON", "WeightmillLLaMA",
      ], path: "Sources/Merging"),
    .target(
      name: "WeightmillModels",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillPyTorch", "WeightmillSafetensors",
        "WeightmillGGUF", "WeightmillQuantization", "WeightmillQuantizedSources",
        "WeightmillTokenization",
        "WeightmillSentencePiece", "WeightmillLLaMA", "WeightmillMerging",
        .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Models"),
    .target(
      name: "WeightmillConversion",
      dependencies: [
        "WeightmillTensors", "WeightmillDigests", "WeightmillOutput", "WeightmillStrictJSON",
        "WeightmillSafetensors", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillTokenization", "WeightmillSentencePiece", "WeightmillLLaMA", "WeightmillMerging",
        "WeightmillModels", "WeightmillModelCards",
        .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Conversion"),
    .target(
      name: "WeightmillMetadata",
      dependencies: [
        "WeightmillTensors", "WeightmillOutput", "WeightmillStrictJSON", "WeightmillGGUF",
        "WeightmillTokenization", "WeightmillLLaMA", "WeightmillModels",
        .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Metadata"),
    .target(
      name: "WeightmillPresentation", dependencies: ["WeightmillTensors"],
      path: "Sources/Presentation"),
    .target(
      name: "WeightmillVerification",
      dependencies: [
        "WeightmillTensors", "WeightmillOutput", "WeightmillStrictJSON", "WeightmillSafetensors",
        "WeightmillGGUF", "WeightmillQuantization", "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillModels", "WeightmillConversion", "WeightmillMetadata",
        "WeightmillPresentation",
      ], path: "Sources/Verification"),
    .target(
      name: "WeightmillCalibration",
      dependencies: [
        "WeightmillTensors", "WeightmillDigests", "WeightmillOutput", "WeightmillGGUF",
        "WeightmillQuantization", "WeightmillTokenization", "WeightmillLLaMA", "WeightmillModels",
      ], path: "Sources/Calibration"),
    .target(
      name: "WeightmillAllocation",
      dependencies: [
        "WeightmillTensors", "WeightmillDigests", "WeightmillOutput", "WeightmillStrictJSON",
        "WeightmillQuantization", "WeightmillTokenization", "WeightmillLLaMA", "WeightmillModels",
        "WeightmillConversion", "WeightmillCalibration",
      ], path: "Sources/Allocation"),
    .target(
      name: "WeightmillReporting",
      dependencies: [
        "WeightmillTensors", "WeightmillOutput", "WeightmillModels", "WeightmillPresentation",
        "WeightmillVerification", "WeightmillAllocation",
      ], path: "Sources/Reporting"),
    .target(
      name: "WeightmillComparison",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF", "WeightmillLLaMA",
        "WeightmillQuantization", "WeightmillModels",
      ], path: "Sources/Comparison"),
    .target(
      name: "WeightmillFeedback",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillQuantization",
        "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillModels", "WeightmillConversion", "WeightmillCalibration",
        "WeightmillOutput", .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Sources/Feedback"),

    // What the library promises, by one import. Modules have names that no other package has, folders
    // short ones.
    .target(
      name: "Weightmill",
      dependencies: [
        "WeightmillTensors", "WeightmillRemote", "WeightmillPyTorch", "WeightmillSafetensors",
        "WeightmillGGUF",
        "WeightmillQuantization", "WeightmillTokenization", "WeightmillLLaMA", "WeightmillMerging",
        "WeightmillModels", "WeightmillConversion", "WeightmillVerification",
        "WeightmillReporting", "WeightmillComparison", "WeightmillCalibration",
        "WeightmillAllocation", "WeightmillFeedback",
      ],
      path: "Sources/Library"),

    // The commit. A Swift target is compiled anew with each C target that it imports, so there are two.
    .target(
      name: "CWeightmillCommitText", path: "Sources/CCommitText", cSettings: commit.map { [$0] }),
    .target(
      name: "CWeightmillCommit", dependencies: ["CWeightmillCommitText"], path: "Sources/CCommit"),
    .executableTarget(
      name: "WeightmillProgram",
      dependencies: [
        "CWeightmillCommit", "WeightmillTensors", "WeightmillRemote", "WeightmillStrictJSON",
        "WeightmillPyTorch", "WeightmillGGUF", "WeightmillQuantization", "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillMerging", "WeightmillOutput", "WeightmillModels",
        "WeightmillModelCards", "WeightmillConversion", "WeightmillMetadata",
        "WeightmillPresentation",
        "WeightmillVerification",
        "WeightmillReporting", "WeightmillComparison", "WeightmillCalibration",
        "WeightmillFeedback", "WeightmillAllocation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Sources/weightmill"),

    // Encoders and the forward pass in memory: `make bench`. They are no products, so that nobody who
    // uses this package builds them.
    .executableTarget(
      name: "encoder-benchmark", dependencies: ["WeightmillTensors", "WeightmillQuantization"],
      path: "Benchmarks/encoders"),
    .target(name: "CWeightmillPeak", path: "Benchmarks/peak"),
    .executableTarget(
      name: "forward-benchmark",
      dependencies: [
        "CWeightmillPeak", "WeightmillTensors", "WeightmillQuantization", "WeightmillLLaMA",
      ], path: "Benchmarks/forward"),
    .executableTarget(
      name: "tokenizer-benchmark",
      dependencies: ["WeightmillTensors", "WeightmillTokenization", "WeightmillModels"],
      path: "Benchmarks/tokenizing"),

    .target(
      name: "WeightmillTestSupport",
      dependencies: [
        "CWeightmillZlib", "WeightmillTensors", "WeightmillDigests", "WeightmillGGUF",
        "WeightmillLLaMA",
      ],
      path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorsTests", dependencies: ["WeightmillTensors", "WeightmillTestSupport"]),
    .testTarget(name: "DigestsTests", dependencies: ["WeightmillDigests"]),
    .testTarget(
      name: "RemoteTests",
      dependencies: [
        "WeightmillTensors", "WeightmillRemote", "WeightmillModels", "WeightmillConversion",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "StrictJSONTests",
      dependencies: ["WeightmillTensors", "WeightmillStrictJSON", "WeightmillTestSupport"]),
    .testTarget(
      name: "PyTorchTests",
      dependencies: ["WeightmillTensors", "WeightmillPyTorch", "WeightmillTestSupport"]),
    .testTarget(
      name: "SafetensorsTests",
      dependencies: ["WeightmillTensors", "WeightmillSafetensors", "WeightmillTestSupport"]),
    .testTarget(
      name: "GGUFTests",
      dependencies: ["WeightmillTensors", "WeightmillGGUF", "WeightmillTestSupport"]),
    .testTarget(
      name: "QuantizationTests",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillQuantization",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "QuantizedSourcesTests",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillSafetensors",
        "WeightmillQuantizedSources", "WeightmillModels", "WeightmillConversion",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "TokenizationTests",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF", "WeightmillTokenization",
        "WeightmillSentencePiece",
        "WeightmillModels", "WeightmillConversion", "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "LLaMATests",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillStrictJSON", "WeightmillSafetensors",
        "WeightmillTokenization", "WeightmillLLaMA", "WeightmillModels",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "MergingTests",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF",
        "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillMerging", "WeightmillModels",
        "WeightmillConversion", "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "ConversionTests",
      dependencies: [
        "WeightmillTensors", "WeightmillOutput", "WeightmillStrictJSON", "WeightmillPyTorch",
        "WeightmillGGUF", "WeightmillQuantization", "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillModels", "WeightmillModelCards", "WeightmillConversion",
        "WeightmillTestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "ModelsTests",
      dependencies: [
        "WeightmillTensors", "WeightmillPyTorch", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillTokenization", "WeightmillModels", "WeightmillConversion",
        "WeightmillCalibration", "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "ModelCardsTests",
      dependencies: [
        "WeightmillTensors", "WeightmillGGUF", "WeightmillModelCards", "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "MetadataTests",
      dependencies: [
        "WeightmillTensors", "WeightmillOutput", "WeightmillGGUF", "WeightmillModels",
        "WeightmillConversion", "WeightmillMetadata", "WeightmillTestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .testTarget(
      name: "ComparisonTests",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillLLaMA", "WeightmillModels", "WeightmillConversion",
        "WeightmillComparison", "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "ReportingTests",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillLLaMA", "WeightmillPresentation",
        "WeightmillVerification", "WeightmillAllocation", "WeightmillReporting",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "VerificationTests",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillTokenization", "WeightmillLLaMA", "WeightmillModels",
        "WeightmillConversion", "WeightmillPresentation", "WeightmillVerification",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "CalibrationTests",
      dependencies: [
        "WeightmillTensors", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillTokenization", "WeightmillLLaMA",
        "WeightmillModels", "WeightmillConversion", "WeightmillCalibration",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "FeedbackTests",
      dependencies: [
        "CWeightmillKernels", "WeightmillTensors", "WeightmillGGUF", "WeightmillQuantization",
        "WeightmillTokenization", "WeightmillLLaMA",
        "WeightmillModels", "WeightmillConversion", "WeightmillCalibration", "WeightmillFeedback",
        "WeightmillTestSupport",
      ]),
    .testTarget(
      name: "AllocationTests",
      dependencies: [
        "WeightmillTensors", "WeightmillGGUF", "WeightmillQuantization", "WeightmillTokenization",
        "WeightmillLLaMA", "WeightmillModels", "WeightmillConversion", "WeightmillCalibration",
        "WeightmillAllocation", "WeightmillTestSupport",
      ]),
    // Runs the executable as a user would.
    .testTarget(
      name: "WeightmillTests",
      dependencies: [
        "WeightmillProgram", "WeightmillTensors", "WeightmillGGUF", "WeightmillTestSupport",
      ]),
  ]
)

// The readers under libFuzzer: `make fuzz`. Its flags are not for packages that use this one.
if Context.environment["WEIGHTMILL_FUZZING"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "WeightmillTensors", "WeightmillStrictJSON", "WeightmillPyTorch", "WeightmillSafetensors",
        "WeightmillGGUF", "WeightmillQuantization", "WeightmillQuantizedSources",
        "WeightmillTokenization",
        "WeightmillSentencePiece", "WeightmillLLaMA", "WeightmillModels", "WeightmillConversion",
        "WeightmillVerification",
      ],
      path: "Fuzz", exclude: ["seeds", "run.sh"],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}

// The plugin that makes the documentation: `make docs`. Nothing else needs it.
if Context.environment["WEIGHTMILL_DOCS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
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
  if target.path?.hasPrefix("Sources/") ?? true, target.type != .test {
    settings.append(.strictMemorySafety())
  }
  target.swiftSettings = settings
}
