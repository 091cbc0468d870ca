// swift-tools-version: 6.2
import PackageDescription

// The simulation, optimised: a package of its own, since the flags are for a program of one thread
// and nothing of what other packages bring is needed. `Sources` is a link to the real ones.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-Xfrontend", "-assume-single-threaded"]),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "Simulation",
    targets: [
        .systemLibrary(name: "CIDN2"),
        .systemLibrary(name: "CISAL"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CUnbound"),
        library("Ports", []),
        library("MessageFormat", ["Ports", "CIDN2"]),
        library("Cryptography", ["Ports", "COpenSSL"]),
        library("Storage", ["Ports", "CISAL"]),
        library("SMTP", ["Ports", "MessageFormat", "Cryptography"]),
        library("DNS", ["Ports", "CUnbound"]),
        library("MailAuth", ["Ports", "MessageFormat", "Cryptography", "DNS"]),
        library("Events", ["Ports", "MessageFormat", "SMTP", "Storage"]),
        library("MailQueue", ["Ports", "MessageFormat", "Cryptography", "SMTP", "Storage", "Events", "MailAuth"]),
        library("Receiving", ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailAuth", "MailQueue"]),
        library("Delivery", ["Ports", "MessageFormat", "SMTP", "DNS", "Events", "MailAuth", "MailQueue"]),
        library("BatonTesting", ["Ports", "Storage", "DNS", "Events", "MailQueue"]),
        .executableTarget(name: "simulate", dependencies: [
            "Ports", "MessageFormat", "SMTP", "DNS", "Storage", "Events", "MailQueue", "Receiving", "Delivery", "BatonTesting",
        ], swiftSettings: settings),
    ]
)
