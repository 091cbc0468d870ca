// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
    name: "baton",
    products: [
        .library(name: "Ports", targets: ["Ports"]),
    ],
    targets: [
        .target(name: "Ports", swiftSettings: strict),
    ]
)
