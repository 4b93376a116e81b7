import EnvoyAPI
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import ServiceLifecycle
import Testing

@testable import Ingest

/// Mutual TLS: who may connect, and which gateways a certificate speaks for.
@Suite struct TLSTests {
    @Test("A name of a certificate is bound to its gateways")
    func access() {
        let access = GatewayAccess(gateways: ["spiffe://prod/eu": ["gw-eu"], "ops": ["*"]])
        #expect(access.allows("gw-eu", names: ["spiffe://prod/eu"]))
        #expect(!access.allows("gw-us", names: ["spiffe://prod/eu"]))
        #expect(access.allows("gw-us", names: ["other", "ops"]))
        #expect(!access.allows("gw-eu", names: []))
        #expect(GatewayAccess.all.allows("gw-eu", names: []))
    }

    @Test("A client needs a certificate of the authority, and speaks for the gateways of its name alone")
    func mutual() async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        let streams = RecordingStreams()
        let tls = try ServerTLS(
            .init(
                certificate: certificates.path("server.pem"), key: certificates.path("server.key"),
                clientAuthorities: certificates.path("ca.pem")), logger: ReceiverHarness.logger)
        let (addresses, bound) = AsyncStream<MetricsServiceReceiver.BoundAddress>.makeStream()
        let receiver = MetricsServiceReceiver(
            configuration: .init(port: 0), streams: streams, budget: InFlightBudget(), tls: tls,
            access: GatewayAccess(gateways: ["spiffe://prod/gw-eu": ["gw-eu"]]), now: { 42 },
            logger: ReceiverHarness.logger, onListening: { bound.yield($0) })
        let group = ServiceGroup(services: [tls, receiver], logger: ReceiverHarness.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = addresses.makeAsyncIterator()
            let address = try #require(await iterator.next())
            #expect(await Self.send(to: address, certificates, client: "client") == nil)
            #expect(streams.records.count == 1)
            #expect(streams.permissions == [[true, false]])
            // Of another authority, and without TLS at all.
            #expect(await Self.send(to: address, certificates, client: "stranger") != nil)
            #expect(await Self.send(to: address, certificates, client: nil) != nil)
            #expect(streams.records.count == 1)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("A certificate that is replaced in its files is used without a restart")
    func reload() async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        let streams = RecordingStreams()
        let tls = try ServerTLS(
            .init(
                certificate: certificates.path("server.pem"), key: certificates.path("server.key"),
                clientAuthorities: certificates.path("ca.pem")), refreshInterval: .milliseconds(50),
            logger: ReceiverHarness.logger)
        let (addresses, bound) = AsyncStream<MetricsServiceReceiver.BoundAddress>.makeStream()
        let receiver = MetricsServiceReceiver(
            configuration: .init(port: 0), streams: streams, budget: InFlightBudget(), tls: tls, now: { 42 },
            logger: ReceiverHarness.logger, onListening: { bound.yield($0) })
        let group = ServiceGroup(services: [tls, receiver], logger: ReceiverHarness.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = addresses.makeAsyncIterator()
            let address = try #require(await iterator.next())
            #expect(await Self.send(to: address, certificates, client: "client", trusting: "ca") == nil)
            #expect(await Self.send(to: address, certificates, client: "client", trusting: "other") != nil)
            // Half of the pair does not fit the other half: the old pair goes on.
            try certificates.replace("server.pem", by: "renewed.pem")
            try await Task.sleep(for: .milliseconds(200))
            #expect(await Self.send(to: address, certificates, client: "client", trusting: "ca") == nil)
            try certificates.replace("server.key", by: "renewed.key")
            var isRenewed = false
            for _ in 0..<100 where !isRenewed {
                isRenewed = await Self.send(to: address, certificates, client: "client", trusting: "other") == nil
                if !isRenewed { try await Task.sleep(for: .milliseconds(50)) }
            }
            #expect(isRenewed)
            #expect(await Self.send(to: address, certificates, client: "client", trusting: "ca") != nil)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private static func send(
        to address: MetricsServiceReceiver.BoundAddress, _ certificates: Certificates, client: String?,
        trusting authority: String = "ca"
    ) async -> RPCError.Code? {
        do {
            let security: HTTP2ClientTransport.Posix.TransportSecurity =
                client.map { client in
                    .mTLS(
                        certificateChain: [.file(path: certificates.path("\(client).pem"), format: .pem)],
                        privateKey: .file(path: certificates.path("\(client).key"), format: .pem)
                    ) { config in
                        config.trustRoots = .certificates([
                            .file(path: certificates.path("\(authority).pem"), format: .pem)
                        ])
                        config.serverCertificateVerification = .noHostnameVerification
                    }
                } ?? .plaintext
            let transport = try HTTP2ClientTransport.Posix.http2NIOPosix(
                target: .ipv4(address: address.host, port: address.port), transportSecurity: security)
            return try await withGRPCClient(transport: transport) { client -> RPCError.Code? in
                var options = CallOptions.defaults
                options.timeout = .seconds(3)
                return try await client.clientStreaming(
                    request: StreamingClientRequest { try await $0.write([1, 2, 3]) },
                    descriptor: Envoy_Service_Metrics_V3_MetricsService.Method.StreamMetrics.descriptor,
                    serializer: RawBytes(), deserializer: RawBytes(), options: options
                ) { response in
                    switch response.accepted {
                    case .success: nil
                    case .failure(let error): error.code
                    }
                }
            }
        } catch {
            return (error as? RPCError)?.code ?? .unknown
        }
    }

    /// Certificates of an authority of the test's own, and one of another.
    private struct Certificates {
        private let directory = NSTemporaryDirectory() + "waybill-tls-" + UUID().uuidString

        init() throws {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for authority in ["ca", "other"] {
                try openssl(
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=\(authority)", "-keyout", path("\(authority).key"), "-out", path("\(authority).pem"))
            }
            for (name, authority, alternative) in [
                ("server", "ca", "IP:127.0.0.1"), ("client", "ca", "URI:spiffe://prod/gw-eu"),
                ("stranger", "other", "URI:spiffe://prod/gw-eu"), ("renewed", "other", "IP:127.0.0.1"),
            ] {
                try Data("subjectAltName=\(alternative)\n".utf8).write(to: URL(fileURLWithPath: path("\(name).ext")))
                try openssl(
                    "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=\(name)",
                    "-keyout", path("\(name).key"), "-out", path("\(name).csr"))
                try openssl(
                    "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"), "-CAkey",
                    path("\(authority).key"), "-CAcreateserial", "-days", "2", "-extfile", path("\(name).ext"), "-out",
                    path("\(name).pem"))
            }
        }

        func path(_ name: String) -> String { directory + "/" + name }

        /// As a certificate's renewer does: the file is there at every moment.
        func replace(_ name: String, by other: String) throws {
            guard rename(path(other), path(name)) == 0 else { throw POSIXError(.EIO) }
        }

        func remove() { try? FileManager.default.removeItem(atPath: directory) }

        private func openssl(_ arguments: String...) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " "))")
        }
    }
}
