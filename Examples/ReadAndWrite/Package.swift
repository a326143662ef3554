// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "read-and-write",
  platforms: [.macOS(.v26)],
  // In a package of your own: .package(url: "…/weightmill", from: "0.1.0", traits: []). Without traits it reads no
  // addresses (hf://…), and compiles in half the time.
  dependencies: [.package(name: "weightmill", path: "../..", traits: [])],
  targets: [
    .executableTarget(
      name: "read-and-write",
      dependencies: [.product(name: "Weightmill", package: "weightmill")]),
    .executableTarget(
      name: "show-tensors",
      dependencies: [.product(name: "Weightmill", package: "weightmill")]),
    // The example of README.md.
    .executableTarget(
      name: "compare-models",
      dependencies: [.product(name: "Weightmill", package: "weightmill")]),
    // Those of the documentation's articles and of the modules' pages.
    .executableTarget(
      name: "documentation",
      dependencies: [.product(name: "Weightmill", package: "weightmill")]),
  ]
)
