// swift-tools-version: 6.2
import PackageDescription

// Fuzzing in a package of its own: every module is built for libFuzzer's coverage feedback, which
// needs flags that must not get into what is shipped. The sources are links to the real ones.

let upcoming: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]
let instrumented = upcoming + [.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing", "-parse-as-library"])]

let package = Package(
    name: "Fuzz",
    targets: [
        .systemLibrary(name: "CIDN2"),
        .systemLibrary(name: "CISAL"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CUnbound"),
        .target(name: "Ports", swiftSettings: instrumented),
        .target(name: "MessageFormat", dependencies: ["Ports", "CIDN2"], swiftSettings: instrumented),
        .target(name: "Cryptography", dependencies: ["Ports", "COpenSSL"], swiftSettings: instrumented),
        .target(name: "SMTP", dependencies: ["Ports", "MessageFormat", "Cryptography"], swiftSettings: instrumented),
        .target(name: "DNS", dependencies: ["Ports", "CUnbound"], swiftSettings: instrumented),
        .target(name: "Proxy", dependencies: ["Ports"], swiftSettings: instrumented),
        .target(name: "TLSHello", sources: ["ClientHello.swift"], swiftSettings: instrumented),
        .target(name: "Storage", dependencies: ["Ports", "CISAL"], swiftSettings: instrumented),
        .target(name: "Events", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage"], swiftSettings: instrumented),
        .target(name: "MailAuth", dependencies: ["Ports", "MessageFormat", "Cryptography", "DNS"], swiftSettings: instrumented),
        .target(name: "MailQueue", dependencies: ["Ports", "MessageFormat", "SMTP", "Storage", "Events", "Cryptography", "MailAuth"],
                swiftSettings: instrumented),
        .target(name: "Simulation", dependencies: ["Ports", "Storage"], sources: ["DiskState.swift", "SimulatedDisk.swift", "SeededRandom.swift"],
                swiftSettings: instrumented),
        .executableTarget(
            name: "fuzz",
            dependencies: ["Ports", "MessageFormat", "SMTP", "DNS", "Proxy", "TLSHello", "Storage", "Events", "Cryptography", "MailAuth",
                           "MailQueue", "Simulation"],
            path: "Sources/Fuzz", swiftSettings: instrumented,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ]
)
