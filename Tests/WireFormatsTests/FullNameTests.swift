import Foundation
import TestSupport
import Testing
import WireFormats

/// Names that a sink with tags takes apart, put together again.
@Suite struct FullNameTests {
    @Test(
        "Each of Envoy's default tags goes back to where it stood",
        arguments: [
            ("cluster.upstream_rq_total", ["envoy.cluster_name=svc_a"], "cluster.svc_a.upstream_rq_total"),
            (
                "cluster.default.upstream_rq_total", ["envoy.cluster_name=outbound|80||svc"],
                "cluster.outbound|80||svc.default.upstream_rq_total"
            ),
            (
                "cluster.external.upstream_rq", ["envoy.response_code=503", "envoy.cluster_name=a"],
                "cluster.a.external.upstream_rq_503"
            ),
            (
                "http.downstream_rq_xx", ["envoy.response_code_class=2", "envoy.http_conn_manager_prefix=in"],
                "http.in.downstream_rq_2xx"
            ),
            (
                "vhost.vcluster.upstream_rq_total", ["envoy.virtual_cluster=all", "envoy.virtual_host=t#1,x"],
                "vhost.t#1,x.vcluster.all.upstream_rq_total"
            ),
            (
                "vhost.example:8080.vcluster.all.upstream_rq_total", ["envoy.virtual_host=v"],
                "vhost.v.example:8080.vcluster.all.upstream_rq_total"
            ),
            (
                "vhost.route.x.upstream_rq", ["envoy.response_code=200", "envoy.virtual_host=*", "envoy.route=rt"],
                "vhost.*.route.rt.x.upstream_rq_200"
            ),
            (
                "listener.worker_downstream_cx_total", ["envoy.worker_id=0", "envoy.listener_address=127.0.0.1_80"],
                "listener.127.0.0.1_80.worker_0.downstream_cx_total"
            ),
            (
                "listener.http.downstream_rq_xx",
                [
                    "envoy.response_code_class=5", "envoy.http_conn_manager_prefix=in",
                    "envoy.listener_address=[__1]_80",
                ],
                "listener.[__1]_80.http.in.downstream_rq_5xx"
            ),
            (
                "listener.admin.http.downstream_rq_completed", ["envoy.http_conn_manager_prefix=admin"],
                "listener.admin.http.admin.downstream_rq_completed"
            ),
            ("server.worker_watchdog_miss", ["envoy.worker_id=12"], "server.worker_12.watchdog_miss"),
            (
                "thread_local_cluster_manager.worker_clusters_inflated", ["envoy.worker_id=1"],
                "thread_local_cluster_manager.worker_1.clusters_inflated"
            ),
            (
                "listener.ssl.ciphers",
                ["envoy.ssl_cipher=TLS_AES_256_GCM_SHA384", "envoy.listener_address=0.0.0.0_443"],
                "listener.0.0.0.0_443.ssl.ciphers.TLS_AES_256_GCM_SHA384"
            ),
            ("cluster.ssl.ciphers", ["cipher_suite=AES", "envoy.cluster_name=a"], "cluster.a.ssl.ciphers.AES"),
            (
                "http.rds.config_reload", ["envoy.rds_route_config=a.b", "envoy.http_conn_manager_prefix=in"],
                "http.in.rds.a.b.config_reload"
            ),
            ("tcp.downstream_cx_total", ["envoy.tcp_prefix=t"], "tcp.t.downstream_cx_total"),
            ("http_local_rate_limit.ok", ["envoy.local_http_ratelimit_prefix=rl"], "rl.http_local_rate_limit.ok"),
            (
                "http.rbac.policy.allowed", ["envoy.rbac_policy_name=p", "envoy.http_conn_manager_prefix=in"],
                "http.in.rbac.policy.p.allowed"
            ),
            (
                "http.user_agent.downstream_rq_total",
                ["envoy.http_user_agent=ios", "envoy.http_conn_manager_prefix=in"],
                "http.in.user_agent.ios.downstream_rq_total"
            ),
            (
                "cluster.grpc.success",
                [
                    "envoy.grpc_bridge_service=s", "envoy.grpc_bridge_method=m",
                    "envoy.cluster_name=a",
                ], "cluster.a.grpc.s.m.success"
            ),
            (
                "cluster.health_check.attempt", ["envoy.health_check_name=h", "envoy.cluster_name=a"],
                "cluster.a.health_check.name.h.attempt"
            ),
            ("mongo.cmd.total", ["envoy.mongo_prefix=m", "envoy.mongo_cmd=find"], "mongo.m.cmd.find.total"),
            ("server.uptime", [], "server.uptime"),
            (
                "cluster.upstream_rq_total", ["tenant=acme", "envoy.cluster_name=a", "boot=1"],
                "cluster.a.upstream_rq_total;tenant=acme"
            ),
            ("server.uptime", ["envoy.cluster_name=a"], "server.uptime;envoy.cluster_name=a"),
        ] as [(String, [String], String)])
    func rules(_ extracted: String, _ tags: [String], _ full: String) {
        let tags = tags.map { tag in
            let parts = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return EnvoyTags.Tag(String(parts[0]), Array(parts[1].utf8))
        }
        let name = EnvoyTags.fullName(of: Array(extracted.utf8), tags: tags, ignoring: ["boot"])
        #expect(String(decoding: name, as: UTF8.self) == full)
        let again = EnvoyTags.fullName(of: Array(extracted.utf8), tags: tags.reversed(), ignoring: ["boot"])
        #expect(again == name)
    }

    @Test("Two series never become one: neither by their tags' order nor by their bytes")
    func distinct() {
        var names = FullNames(limit: 3)
        for _ in 0..<3 {
            #expect(Self.name("a", ["x", "1", "y", "2"], &names) == "a;x=1;y=2")
            #expect(Self.name("a", ["x", "1y", "", "2"], &names) == "a;=2;x=1y")
            #expect(Self.name("ax", ["1", ""], &names) == "ax;1=")
            #expect(Self.name("a", [], &names) == "a")
            #expect(Self.name("cluster.rq", ["envoy.cluster_name", "é"], &names) == "cluster.é.rq")
        }
    }

    @Test(arguments: [(64, false), (65, true), (10_000, true)])
    func `A series has at most 64 tags`(count: Int, isRefused: Bool) {
        var names = FullNames()
        let tags = (0..<count).flatMap { ["t\($0)", "\($0)"] }
        let name = Self.name("a", tags, &names)
        #expect(names.hasTooManyTags == isRefused)
        #expect(name.isEmpty == isRefused)
        #expect(Self.name("a", ["x", "1"], &names) == "a;x=1")
        #expect(!names.hasTooManyTags)
    }

    private static func name(_ family: String, _ tags: [String], _ names: inout FullNames) -> String {
        let bytes = Array(family.utf8)
        names.begin(bytes.span)
        var index = 0
        while index < tags.count {
            let tag = Array(tags[index].utf8)
            let value = Array(tags[index + 1].utf8)
            names.tag(tag.span, value.span)
            index += 2
        }
        let range = names.finish()
        return String(decoding: names.bytes[range], as: UTF8.self)
    }

    @Test(
        "Every counter and gauge of a scrape comes back to the name that Envoy's admin page gives it",
        arguments: [
            ("metrics_service_cumulative/admin_prometheus.txt.gz", "metrics_service_cumulative/admin_stats.json.gz"),
            ("counters_matrix/prometheus.txt.gz", "counters_matrix/stats.json.gz"),
            ("graphite_statsd/prometheus.txt.gz", "graphite_statsd/admin_stats.json.gz"),
        ])
    func prometheus(_ scrape: String, _ stats: String) throws {
        var visitor = Scrape()
        let text = try Capture.bytes(scrape)
        try PrometheusText.read(text.span, into: &visitor)
        let known = try Self.names(stats)
        #expect(visitor.malformed == 0)
        #expect(visitor.names.count > 600)
        // What is read must be Envoy's; and all that Envoy names is read.
        #expect(visitor.names.subtracting(known).sorted() == [])
        #expect(known.subtracting(visitor.names).sorted() == [])
    }

    @Test("What can not be told in Prometheus' names is said")
    func ambiguous() throws {
        var visitor = Scrape()
        let text = try Capture.bytes("name_sanitisation/prometheus.txt.gz")
        try PrometheusText.read(text.span, into: &visitor)
        #expect(visitor.names.contains("cluster.sp ace.upstream_rq_total"))
        #expect(visitor.names.contains("cluster.ns/svc/80/da39a3ee5e.upstream_rq_total"))
        #expect(visitor.names.contains("vhost.t#1,x.vcluster.all.upstream_rq_total"))
        // dot.ted.name and v.example:8080, of which the tag holds the first part.
        #expect(visitor.names.contains("cluster.dot.ted_name.upstream_rq_total"))
        #expect(visitor.names.contains("vhost.v.example_8080.vcluster.all.upstream_rq_total"))
        #expect(visitor.full.ambiguous > 0)
    }

    private static func names(_ file: String) throws -> Set<String> {
        struct Stats: Decodable {
            struct Stat: Decodable { var name: String? }
            var stats: [Stat]
        }
        let bytes = Data(try Capture.bytes(file))
        if let stats = try? JSONDecoder().decode(Stats.self, from: bytes) {
            return Set(stats.stats.compactMap(\.name))
        }
        let flat = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
        return Set((flat ?? [:]).filter { $0.value is NSNumber }.keys)
    }

    private struct Scrape: PrometheusVisitor {
        var full = FullNames(style: .prometheus, ignoring: ["envoy_node"])
        var names: Set<String> = []
        var malformed = 0

        mutating func sample(family: Span<UInt8>, labels: Span<UInt8>, kind: MetricKind, value: Double) {
            full.begin(family)
            PrometheusLabels.forEach(in: labels) { full.tag($0, $1) }
            let range = full.finish()
            names.insert(String(decoding: full.bytes[range], as: UTF8.self))
        }

        mutating func malformed(line: Span<UInt8>) { malformed += 1 }
    }
}
