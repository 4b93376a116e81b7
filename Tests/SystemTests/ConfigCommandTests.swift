import DemoGateway
import Foundation
import Testing

/// What `waybill config` prints a real Envoy takes, and what it checks it names with line and remedy.
@Suite struct ConfigCommandTests {
    @Test(
        "A real Envoy validates each stanza, and the check finds nothing wrong in it",
        .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)),
        arguments: ["metrics-service", "otlp", "statsd", "dogstatsd"])
    func stanza(_ sink: String) async throws {
        let envoy = try #require(Checkout.envoy)
        try await withFolder { folder in
            let file = folder + "/envoy.yaml"
            let printed = try await Command.waybill(
                "config", "envoy", "--sink", sink, "--gateway", "edge: \"eu\"", "--instance", "gw-eu-1-a"
            ).succeeded()
            try Data(printed.utf8).write(to: URL(fileURLWithPath: file))
            let validation = try await Command.run(envoy, ["--mode", "validate", "-c", file])
            #expect(validation.exit == .code(0), "\(validation.diagnostics)")
            let check = try await Command.waybill("config", "check", file)
            #expect(check.exit == .code(0), "\(check.output)")
        }
    }

    @Test("The recommended bootstrap walks into no trap")
    func recommended() async throws {
        let check = try await Command.waybill("config", "check", Checkout.root + "/config/envoy/metrics-service.yaml")
        #expect(check.exit == .code(0), "\(check.output)")
    }

    @Test(
        "Each trap is named with its line",
        arguments: [
            ("no_node_id", "node: {cluster: edge}\n", 1),
            ("no_node_cluster", "node: {id: a}\n", 1),
            ("no_boot_id", "node: {id: a, cluster: b}\n", 1),
            ("no_sink", "node: {id: a, cluster: b}\n", 1),
            ("deltas", sink("metrics_service", "report_counters_as_deltas: true\n    batch_size: 9"), 4),
            ("message_limit", sink("metrics_service", "report_counters_as_deltas: false"), 4),
            ("deltas", sink("open_telemetry", "report_counters_as_deltas: true"), 4),
            ("no_identity", sink("open_telemetry", "report_counters_as_deltas: false"), 4),
            ("collapsed_names", sink("open_telemetry", "a: b\n    emit_tags_as_attributes: false"), 5),
            ("no_identity", sink("statsd", "a: b\n    prefix: envoy"), 5),
            ("no_identity", sink("dog_statsd", "a: b"), 4),
            ("small_datagrams", sink("dog_statsd", "a: b"), 4),
            ("flush_on_admin", "a: b\nstats_flush_on_admin: true\n", 2),
            ("slow_flush", "stats_flush_interval: 60s\n", 1),
            ("open_admin", "a: b\nadmin: {address: {socket_address: {address: 0.0.0.0, port_value: 1}}}\n", 2),
            ("name", "static_resources:\n  clusters:\n  - name: a.example\n", 3),
            ("name", manager("stat_prefix: tenant_a.example"), 2),
            ("matcher", "stats_config:\n  stats_matcher: {reject_all: true}\n", 2),
            (
                "matcher",
                "stats_config:\n  stats_matcher:\n    inclusion_list: {patterns: [{prefix: \"http.\"}]}\n", 3
            ),
            (
                "matcher",
                manager("stat_prefix: tenant_a")
                    + "stats_config:\n  stats_matcher:\n    exclusion_list: {patterns: [{suffix: rq_completed}]}\n", 5
            ),
        ])
    func trap(_ trap: String, _ bootstrap: String, _ line: Int) async throws {
        let findings = try await findings(bootstrap)
        #expect(
            findings.contains { $0.trap == trap && $0.place.hasSuffix(":\(line)") && !$0.remedy.isEmpty },
            "\(findings)")
    }

    @Test("A matcher that lets everything through that is needed is no trap")
    func matcher() async throws {
        let bootstrap =
            manager("stat_prefix: tenant_a") + """
                stats_config:
                  stats_matcher:
                    inclusion_list:
                      patterns: [{prefix: "server."}, {safe_regex: {regex: "^http\\\\.tenant_.*"}}]

                """
        #expect(try await findings(bootstrap).contains { $0.trap == "matcher" } == false)
    }

    @Test(
        "PROXY protocol is on at both ends or at neither",
        arguments: [
            (true, false, true), (false, true, true), (true, true, false), (false, false, false),
        ])
    func proxyProtocol(_ sends: Bool, _ reads: Bool, _ isWrong: Bool) async throws {
        let filter = "    listener_filters: [{name: envoy.filters.listener.proxy_protocol}]\n"
        let bootstrap = "static_resources:\n  listeners:\n  - name: l\n" + (reads ? filter : "")
        let annotation = "    service.beta.kubernetes.io/aws-load-balancer-proxy-protocol: \"*\"\n"
        let manifest = """
            kind: ConfigMap
            ---
            kind: Service
            metadata:
              name: gateway
              annotations:
                a: b

            """ + (sends ? annotation : "")
        let findings = try await findings(bootstrap, service: manifest)
        let found = findings.filter { $0.trap == "proxy_protocol" }
        #expect(found.isEmpty == !isWrong, "\(findings)")
        if isWrong {
            #expect(found.first?.place.hasSuffix(sends ? "service.yaml:8" : "envoy.yaml:4") == true, "\(found)")
        }
        #expect(findings.contains { $0.trap == "tls" })
    }

    @Test("Settings are shown with their origin, and no password")
    func settings() async throws {
        try await withFolder { folder in
            let file = folder + "/waybill.yaml"
            try Data("commit_interval: 7s\ngrpc_listen: 127.0.0.1:5000\n".utf8).write(to: URL(fileURLWithPath: file))
            let shown = try await Command.run(
                "/usr/bin/env",
                [
                    "WAYBILL_DATABASE_URL=postgres://billing:secret@h/db", Checkout.waybill, "config", "show",
                    "--config",
                    file, "--format", "json",
                ]
            ).succeeded()
            #expect(!shown.contains("secret"), "\(shown)")
            #expect(shown.contains("postgres://billing:***@h/db"), "\(shown)")
            #expect(shown.contains(#"{"key":"commit_interval","origin":"\#(file):1","value":"7s"}"#), "\(shown)")
            #expect(shown.contains(#"{"key":"aggregate_interval","origin":"default","value":"60s"}"#), "\(shown)")
        }
    }

    private struct Finding: Decodable {
        let trap: String
        let place: String
        let remedy: String
    }

    private func findings(_ bootstrap: String, service: String? = nil) async throws -> [Finding] {
        try await withFolder { folder in
            let file = folder + "/envoy.yaml"
            try Data(bootstrap.utf8).write(to: URL(fileURLWithPath: file))
            var arguments = ["config", "check", file, "--format", "json"]
            if let service {
                try Data(service.utf8).write(to: URL(fileURLWithPath: folder + "/service.yaml"))
                arguments += ["--service", folder + "/service.yaml"]
            }
            let check = try await Command.waybill(arguments)
            return try JSONDecoder().decode([Finding].self, from: Data(check.output.utf8))
        }
    }
}

/// A connection manager of a listener; its settings stand on the second line.
private func manager(_ settings: String) -> String {
    "hcm: {\"@type\": a.HttpConnectionManager,\n\(settings)}\n"
}

private func sink(_ name: String, _ settings: String) -> String {
    "stats_sinks:\n- name: envoy.stat_sinks.\(name)\n  typed_config:\n    \(settings)\n"
}
