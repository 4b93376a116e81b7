import DemoGateway
import Foundation
import Testing

/// statsd over TCP with mutual TLS, from a real Envoy whose statsd cluster has a TLS transport socket.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct StatsdTLSTests {
    @Test func `An Envoy with a certificate is metered, and one whose certificate is another gateway's is not`()
        async throws
    {
        try await withFolder { folder in
            let certificates = try await Certificates.make(
                ["server": "127.0.0.1", "edge": "edge.example", "other": "other.example"], in: folder)
            let port = try await FreePorts.find(1)[0]
            let file = folder + "/waybill.yaml"
            try """
            statsd:
              tcp_listen: 127.0.0.1:\(port)
              senders:
              - {gateway: tcp, prefix: edge, instance: prefix}
              - {gateway: foreign, prefix: foreign, instance: prefix}
            \(certificates.settings(gateway: "tcp"))
            """.write(toFile: file, atomically: true, encoding: .utf8)
            try await Gateway.run(
                serveArguments: ["--config", file],
                bootstrap: { Self.bootstrap($0, port, certificates) }
            ) { gateway in
                let serve = gateway.serve
                try await gateway.load(["acme": 40], seconds: 2)
                try await wait(for: "40 requests are metered by statsd over TLS") {
                    try await Self.requests(gateway, "tcp") == 40
                }
                try await wait(for: "the other's certificate is refused") {
                    await serve.log.contains("does not let it speak for the gateway foreign")
                }
                // The certificate is replaced in its files: connections that stand go on, new ones are shown the new one.
                try await certificates.add("renewed", subject: "127.0.0.1")
                for suffix in ["pem", "key"] {
                    try #require(
                        rename(certificates.path("renewed.\(suffix)"), certificates.path("server.\(suffix)")) == 0)
                }
                let renewed = try await Self.serial(of: certificates.path("server.pem"))
                try await wait(for: "the new certificate is shown") {
                    try await Self.shownSerial(port, certificates) == renewed
                }
                try await gateway.load(["acme": 20], seconds: 1)
                try await wait(for: "60 requests are metered") { try await Self.requests(gateway, "tcp") == 60 }
                #expect(try await Self.requests(gateway, "foreign") == 0)
            }
        }
    }

    @Test func `Beyond loopback statsd over TCP needs TLS, or the word that the network is trusted`() async throws {
        let refused = try await Command.waybill(
            "serve", "--statsd-tcp-listen", "0.0.0.0:8126", "--statsd-gateway", "edge", "--statsd-allow", "10.0.0.0/8")
        #expect(refused.exit == .code(2))
        #expect(refused.diagnostics.contains("--statsd-tcp-listen 0.0.0.0:8126: beyond loopback give tls"))
    }

    private static func requests(_ gateway: Gateway, _ name: String) async throws -> Int {
        var requests = 0
        for month in Months.started.soFar {
            struct Groups: Decodable {
                struct Dimensions: Decodable { var requests: Int }
                struct Group: Decodable {
                    var gateway: String
                    var dimensions: Dimensions
                }
                var groups: [Group]
            }
            let usage = try await Command.waybill(
                ["usage", "--tenant", "acme", "--month", month, "--group-by", "gateway", "--format", "json"]
                    + gateway.database)
            // The tenant is not known before its first request is derived.
            guard usage.exit == .code(0) else { continue }
            let groups = try JSONDecoder().decode(Groups.self, from: Data(usage.output.utf8)).groups
            requests += groups.filter { $0.gateway == name }.map(\.dimensions.requests).reduce(0, +)
        }
        return requests
    }

    private static func serial(of file: String) async throws -> String {
        try await Command.run("/usr/bin/openssl", ["x509", "-in", file, "-noout", "-serial"]).succeeded()
    }

    private static func shownSerial(_ port: Int, _ certificates: Certificates) async throws -> String {
        let client =
            "openssl s_client -connect 127.0.0.1:\(port) -cert \(certificates.path("edge.pem")) "
            + "-key \(certificates.path("edge.key")) </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return try await Command.run("/bin/sh", ["-c", client]).output
    }

    /// Three sinks: with its own certificate, with another gateway's, and without TLS.
    private static func bootstrap(_ demo: String, _ port: Int, _ certificates: Certificates) -> String {
        func sink(_ cluster: String, _ prefix: String) -> String {
            """
            - name: envoy.stat_sinks.statsd
              typed_config:
                "@type": type.googleapis.com/envoy.config.metrics.v3.StatsdSink
                tcp_cluster_name: \(cluster)
                prefix: \(prefix)

            """
        }
        func cluster(_ name: String, certificate: String?) -> String {
            let tls =
                certificate.map {
                    """
                        transport_socket:
                          name: envoy.transport_sockets.tls
                          typed_config:
                            "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                            common_tls_context:
                              tls_certificates:
                              - certificate_chain: {filename: \(certificates.path("\($0).pem"))}
                                private_key: {filename: \(certificates.path("\($0).key"))}
                              validation_context: {trusted_ca: {filename: \(certificates.path("ca.pem"))}}

                    """
                } ?? ""
            return """
                  - name: \(name)
                    type: STATIC
                    connect_timeout: 1s
                    load_assignment:
                      cluster_name: \(name)
                      endpoints:
                      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \(port)}}}}]
                \(tls)
                """
        }
        return demo.replacing(
            "static_resources:\n",
            with: sink("own", "edge.node-1") + sink("foreign", "foreign.node-1") + sink("plain", "edge.node-2")
                + "\nstatic_resources:\n"
        ).replacing(
            "  clusters:\n",
            with: "  clusters:\n" + cluster("own", certificate: "edge") + cluster("foreign", certificate: "other")
                + cluster("plain", certificate: nil))
    }
}
