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
        .library(name: "MailAuth", targets: ["MailAuth"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CISAL", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "CSandbox"),
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),

        .target(name: "Ports", swiftSettings: strict),
        .target(name: "MessageFormat", dependencies: ["Ports", "CIDN2"], swiftSettings: strict),
        .target(name: "Cryptography", dependencies: ["Ports", "COpenSSL"], swiftSettings: strict),
        .target(name: "Sockets", dependencies: [
            "Ports", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ], swiftSettings: strict),
        .target(name: "Storage", dependencies: ["Ports", "CISAL"], swiftSettings: strict),
        .target(name: "SMTP", dependencies: ["Ports", "MessageFormat", "Cryptography"], swiftSettings: strict),
        .target(name: "DNS", dependencies: ["Ports", "CUnbound"], swiftSettings: strict),
        .target(name: "MailAuth", dependencies: ["Ports", "MessageFormat", "Cryptography", "DNS"], swiftSettings: strict),
        .target(name: "Events", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage"], swiftSettings: strict),
        .target(name: "MailQueue", dependencies: ["Ports", "MessageFormat", "Cryptography", "SMTP", "Storage", "Events", "MailAuth"],
                swiftSettings: strict),
        .target(name: "Receiving", dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailAuth", "MailQueue"],
                swiftSettings: strict),
        .target(name: "Delivery", dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailAuth", "MailQueue"],
                swiftSettings: strict),
        .target(name: "Accounts", dependencies: [
            "Ports", "MessageFormat", "Cryptography", "SMTP", .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "JWTKit", package: "jwt-kit"),
        ], swiftSettings: strict),
        .target(name: "Certificates", dependencies: [
            "Ports", "MessageFormat", "Sockets", .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "CryptoExtras", package: "swift-crypto"), .product(name: "SwiftASN1", package: "swift-asn1"),
            .product(name: "X509", package: "swift-certificates"),
        ], swiftSettings: strict),
        .target(name: "Configuration", dependencies: ["Ports", "MessageFormat", .product(name: "Yams", package: "Yams")],
                swiftSettings: strict),
        .target(name: "Control", dependencies: ["Ports", "MessageFormat", "SMTP", "Events", "MailQueue"], swiftSettings: strict),
        .executableTarget(name: "baton", dependencies: [
            "Ports", "Sockets", "MessageFormat", "Cryptography", "Storage", "SMTP", "DNS", "Events", "MailAuth", "MailQueue",
            "Receiving", "Delivery", "Accounts", "Certificates", "Configuration", "Control", "CSandbox",
            .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
        ], swiftSettings: strict),

        // The simulation: disk, network and clock made of memory and a seed.
        .target(name: "BatonTesting", dependencies: ["Ports", "Storage", "DNS", "Events", "MailQueue"], swiftSettings: strict),

        .executableTarget(name: "simulate", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Storage", "Events", "MailQueue", "Receiving", "Delivery", "BatonTesting",
        ], swiftSettings: strict),

        .testTarget(name: "TidyTests"),
        .testTarget(name: "MessageFormatTests", dependencies: ["Ports", "MessageFormat"], swiftSettings: strict),
        .testTarget(name: "SocketsTests", dependencies: [
            "Ports", "Sockets", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ], swiftSettings: strict),
        .testTarget(name: "CryptographyTests", dependencies: ["Ports", "Cryptography"], swiftSettings: strict),
        .testTarget(name: "MailAuthTests", dependencies: [
            "Ports", "MessageFormat", "Cryptography", "DNS", "MailAuth", .product(name: "Yams", package: "Yams"),
        ], swiftSettings: strict),
        .testTarget(name: "AccountsTests", dependencies: [
            "Ports", "MessageFormat", "Cryptography", "SMTP", "Accounts", .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "JWTKit", package: "jwt-kit"),
        ], swiftSettings: strict),
        .testTarget(name: "CertificatesTests", dependencies: ["Ports", "Sockets", "Certificates"], swiftSettings: strict),
        .testTarget(name: "StorageTests", dependencies: ["Ports", "Storage", "BatonTesting"], swiftSettings: strict),
        .testTarget(name: "SMTPTests", dependencies: ["Ports", "MessageFormat", "Cryptography", "SMTP"], swiftSettings: strict),
        .testTarget(name: "DNSTests", dependencies: ["Ports", "DNS"], swiftSettings: strict),
        .testTarget(name: "EventsTests", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage", "Events"], swiftSettings: strict),
        .testTarget(name: "MailQueueTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "Storage", "Events", "Cryptography", "MailAuth", "MailQueue", "BatonTesting",
        ], swiftSettings: strict),
        .testTarget(name: "ReceivingTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Events", "Cryptography", "MailAuth", "MailQueue", "Receiving",
        ], swiftSettings: strict),
        .testTarget(name: "DeliveryTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailAuth", "MailQueue", "Delivery",
        ], swiftSettings: strict),
        .testTarget(name: "ConfigurationTests", dependencies: ["Ports", "MessageFormat", "Configuration"], swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: [
            "Ports", "Sockets", "MessageFormat", "SMTP", "Events", "MailQueue", "Receiving", "Control",
        ], swiftSettings: strict),
        .testTarget(name: "BatonTests", dependencies: [
            "baton", "Ports", "Sockets", "MessageFormat", "Cryptography", "SMTP", "DNS", "Events", "MailAuth", "MailQueue", "Receiving",
            "Delivery", "Accounts", "Certificates", "Configuration", "Control",
            .product(name: "Logging", package: "swift-log"),
        ], swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Storage", "Events", "MailQueue", "Receiving", "Delivery", "BatonTesting", "simulate",
        ], swiftSettings: strict),
    ]
)
