// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "waybill",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "waybill", targets: ["Waybill"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // SHA-256 and Ed25519 of invoices and bundles. It brings BoringSSL, which gRPC's TLS builds anyway.
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/attaswift/BigInt", exact: "6.0.1"),
    ],
    targets: [
        // Pure modules: no I/O, no clock.
        .target(name: "StrictYAML", dependencies: [.product(name: "Yams", package: "Yams")]),
        .target(name: "WireFormats"),
        .target(name: "Metering", dependencies: ["StrictYAML"]),
        .target(name: "Pricing", dependencies: ["StrictYAML", .product(name: "Yams", package: "Yams")]),
        .target(name: "LoadBalancerCosts", dependencies: ["StrictYAML"]),

        // PostgreSQL.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "PostgreSQL", dependencies: ["CLibPQ", .product(name: "Logging", package: "swift-log")]),
        .target(
            name: "UsageStore",
            dependencies: [
                "Metering", "PostgreSQL", "Pricing", "StrictYAML", .product(name: "Logging", package: "swift-log"),
            ]),

        // Receivers.
        .target(
            name: "EnvoyAPI",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        .target(name: "CDatagrams"),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "Gzip", dependencies: ["CZlib"]),
        .target(
            name: "Ingest",
            dependencies: [
                "CDatagrams", "EnvoyAPI", "Gzip", "Metering", "PostgreSQL", "UsageStore", "WireFormats",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),

        // A real Envoy under a counted load: for the demo and the system tests.
        .target(
            name: "DemoGateway",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),

        // What is billed and shown.
        .target(
            name: "Billing",
            dependencies: [
                "Metering", "PostgreSQL", "Pricing", "UsageStore", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "Reports",
            dependencies: [
                "Billing", "LoadBalancerCosts", "Metering", "Pricing", "StrictYAML", "UsageStore",
                .product(name: "Mustache", package: "swift-mustache"),
            ]),
        .target(name: "Savings", dependencies: ["LoadBalancerCosts", "Metering", "Pricing", "UsageStore"]),
        .target(
            name: "WebAPI",
            dependencies: [
                "Billing", "CZlib", "LoadBalancerCosts", "Metering", "PostgreSQL", "Pricing", "Reports", "Savings",
                "UsageStore", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .executableTarget(
            name: "Waybill",
            dependencies: [
                "Billing", "DemoGateway", "Gzip", "Ingest", "LoadBalancerCosts", "Metering", "PostgreSQL", "Pricing",
                "Reports", "Savings", "StrictYAML", "UsageStore", "WebAPI", "WireFormats",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        // `make bench`: in this package, for what it measures is internal to it.
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Billing", "EnvoyAPI", "Ingest", "LoadBalancerCosts", "Metering", "PostgreSQL", "Pricing", "Reports",
                "UsageStore", "WebAPI", "WireFormats",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Benchmarks"),

        // Tests read Tests/Fixtures and the shipped config/ and migrations/ where they lie.
        .target(
            name: "TestSupport",
            dependencies: [
                "PostgreSQL", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Tests/TestSupport"),
        .testTarget(name: "WireFormatsTests", dependencies: ["TestSupport", "WireFormats"]),
        .testTarget(name: "MeteringTests", dependencies: ["Metering"]),
        .testTarget(
            name: "PricingTests", dependencies: ["Pricing", .product(name: "BigInt", package: "BigInt")],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "LoadBalancerCostsTests", dependencies: ["LoadBalancerCosts"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "SavingsTests",
            dependencies: [
                "LoadBalancerCosts", "Metering", "PostgreSQL", "Pricing", "Savings", "TestSupport", "UsageStore",
            ]),
        .testTarget(
            name: "PostgreSQLTests",
            dependencies: ["PostgreSQL", "TestSupport", .product(name: "Logging", package: "swift-log")]),
        .testTarget(
            name: "UsageStoreTests",
            dependencies: [
                "Metering", "PostgreSQL", "Pricing", "TestSupport", "UsageStore",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "IngestTests",
            dependencies: [
                "EnvoyAPI", "Ingest", "Metering", "PostgreSQL", "TestSupport", "UsageStore", "WireFormats",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        .testTarget(
            name: "BillingTests",
            dependencies: [
                "Billing", "Metering", "PostgreSQL", "Pricing", "TestSupport", "UsageStore",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Billing", "LoadBalancerCosts", "Metering", "Pricing", "Reports", "StrictYAML", "TestSupport",
                .product(name: "BigInt", package: "BigInt"),
            ], exclude: ["Golden"]),
        .testTarget(
            name: "WebAPITests",
            dependencies: [
                "Billing", "LoadBalancerCosts", "Metering", "PostgreSQL", "Pricing", "Reports", "Savings",
                "TestSupport",
                "UsageStore", "WebAPI", .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .testTarget(
            name: "DemoGatewayTests",
            dependencies: [
                "DemoGateway", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        // Drives the built binary, a real Envoy and a real PostgreSQL.
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "DemoGateway", "EnvoyAPI", "PostgreSQL", "Waybill",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
    ]
)

let pure: Set = ["StrictYAML", "WireFormats", "Metering", "Pricing", "LoadBalancerCosts"]
let generated: Set = ["EnvoyAPI"]

for target in package.targets
where target.type != .system && !generated.contains(target.name) && target.name != "CDatagrams" {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
    if pure.contains(target.name) { target.swiftSettings?.append(.strictMemorySafety()) }
}
