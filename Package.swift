// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]

let package = Package(
    name: "baton",
    products: [
        .executable(name: "baton", targets: ["baton"]),
        .library(name: "MessageFormat", targets: ["MessageFormat"]),
        .library(name: "SMTP", targets: ["SMTP"]),
        .library(name: "DNS", targets: ["DNS"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CISAL", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),

        .target(name: "Ports", swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: ["Ports", "CIDN2"], swiftSettings: strict),
        .target(name: "Sockets", dependencies: [
            "Ports", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        ], swiftSettings: strict),
        .target(name: "Storage", dependencies: ["Ports", "CISAL"], swiftSettings: strict),
        .target(name: "SMTP", dependencies: ["Ports", "MessageFormat"], swiftSettings: strict),
        .target(name: "DNS", dependencies: ["Ports", "CUnbound"], swiftSettings: strict),
        .target(name: "Events", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage"], swiftSettings: strict),
        .target(name: "MailQueue", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage", "Events"], swiftSettings: strict),
        .target(name: "Receiving", dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailQueue"],
                swiftSettings: strict),
        .target(name: "Delivery", dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailQueue"],
                swiftSettings: strict),
        .target(name: "Configuration", dependencies: ["Ports", "MessageFormat", .product(name: "Yams", package: "Yams")],
                swiftSettings: strict),
        .target(name: "Control", dependencies: ["Ports", "MessageFormat", "SMTP", "Events", "MailQueue"], swiftSettings: strict),
        .executableTarget(name: "baton", dependencies: [
            "Ports", "Sockets", "MessageFormat", "Storage", "SMTP", "DNS", "Events", "MailQueue", "Receiving", "Delivery",
            "Configuration", "Control",
            .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
        ], swiftSettings: strict),

        // The simulation: disk, network and clock made of memory and a seed.
        .target(name: "BatonTesting", dependencies: ["Ports", "Storage", "DNS"], swiftSettings: strict),

        .testTarget(name: "TidyTests"),
        .testTarget(name: "MessageFormatTests", dependencies: ["Ports", "MessageFormat"], swiftSettings: strict),
        .testTarget(name: "SocketsTests", dependencies: [
            "Ports", "Sockets", .product(name: "NIOCore", package: "swift-nio"),
        ], swiftSettings: strict),
        .testTarget(name: "StorageTests", dependencies: ["Ports", "Storage", "BatonTesting"], swiftSettings: strict),
        .testTarget(name: "SMTPTests", dependencies: ["Ports", "MessageFormat", "SMTP"], swiftSettings: strict),
        .testTarget(name: "DNSTests", dependencies: ["Ports", "DNS"], swiftSettings: strict),
        .testTarget(name: "EventsTests", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage", "Events"], swiftSettings: strict),
        .testTarget(name: "MailQueueTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "Storage", "Events", "MailQueue", "BatonTesting",
        ], swiftSettings: strict),
        .testTarget(name: "ReceivingTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailQueue", "Receiving",
        ], swiftSettings: strict),
        .testTarget(name: "DeliveryTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailQueue", "Delivery",
        ], swiftSettings: strict),
        .testTarget(name: "ConfigurationTests", dependencies: ["Ports", "MessageFormat", "Configuration"], swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: [
            "Ports", "Sockets", "MessageFormat", "SMTP", "Events", "MailQueue", "Receiving", "Control",
        ], swiftSettings: strict),
        .testTarget(name: "BatonTests", dependencies: [
            "baton", "Ports", "MessageFormat", "SMTP", "Events", "MailQueue", "Receiving", "Delivery", "Configuration", "Control",
            .product(name: "Logging", package: "swift-log"),
        ], swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Storage", "Events", "MailQueue", "Receiving", "Delivery", "BatonTesting",
        ], swiftSettings: strict),
    ]
)
