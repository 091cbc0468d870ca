// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
    name: "baton",
    products: [
        .library(name: "MessageFormat", targets: ["MessageFormat"]),
        .library(name: "SMTP", targets: ["SMTP"]),
        .library(name: "DNS", targets: ["DNS"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),

        .target(name: "Ports", swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: ["Ports", "CIDN2"], swiftSettings: strict),
        .target(name: "Sockets", dependencies: [
            "Ports", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        ], swiftSettings: strict),
        .target(name: "Storage", dependencies: ["Ports"], swiftSettings: strict),
        .target(name: "SMTP", dependencies: ["Ports", "MessageFormat"], swiftSettings: strict),
        .target(name: "DNS", dependencies: ["Ports", "CUnbound"], swiftSettings: strict),
        .target(name: "Events", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage"], swiftSettings: strict),
        .target(name: "MailQueue", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage", "Events"], swiftSettings: strict),
        .target(name: "Delivery", dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailQueue"],
                swiftSettings: strict),
    ]
)
