// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "signatures",
    dependencies: [.package(name: "baton", path: "../..")],
    targets: [
        .executableTarget(name: "rates", dependencies: [.product(name: "MailAuth", package: "baton")]),
    ]
)
