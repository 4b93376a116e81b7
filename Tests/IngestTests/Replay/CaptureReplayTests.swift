import Foundation
import Ingest
import Metering
import Testing
import UsageStore

/// The captures of a real Envoy's sinks, against what was really sent.
@Suite("Captures of every sink replay to what was on the wire")
struct CaptureReplayTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var folder: String
        var captures: [String]
        var sinkProtocol = ReplayProtocol.metricsService
        var temporality = Temporality.cumulative
        var prefix: String?
        var ignoredTags: Set<String> = []
        /// Answered requests by the access log's prefix.
        var evidence: [String: Int64] = [:]
        /// Pauses in which deltas were lost.
        var silences = 0
        /// Usage by counter.
        var usage: [String: Int64]
        /// Nil where there are no instances, but evidence.
        var epochs: Int? = 1
        /// What was sent where it is more than what reached the wire, and why it did not get there.
        var lost: (sent: Int64, why: String)?

        var testDescription: String {
            "\(folder): \(captures.joined(separator: ", ")) as \(sinkProtocol.rawValue)"
        }
    }

    private static let completed = "http.ingress_http.downstream_rq_completed"
    private static let total = "http.ingress_http.downstream_rq_total"

    static let cases: [Case] =
        [
            Case(
                folder: "metrics_service_cumulative", captures: ["capture"],
                usage: [
                    completed: 59, total: 59, "cluster.svc_a.upstream_rq_total": 51,
                    "cluster.tenant_b_alt.upstream_rq_total": 3, "http.ingress_http.downstream_rq_2xx": 49,
                    "http.ingress_http.downstream_rq_4xx": 7, "http.ingress_http.downstream_rq_5xx": 3,
                ]),
            Case(folder: "fault_a_sinkdown", captures: ["ms_cum"], usage: [completed: 22, total: 22]),
            Case(
                folder: "fault_a_sinkdown", captures: ["ms_delta"], temporality: .delta, usage: [total: 15],
                lost: (22, "deltas of the three flushes that no sink received are never sent again")),
            Case(
                folder: "fault_b_kill9", captures: ["ms_cum"], usage: [completed: 22, total: 22], epochs: 2,
                lost: (28, "six requests between the last flush and the SIGKILL were never flushed")),
            Case(folder: "fault_c_hotrestart", captures: ["ms_cum"], usage: [completed: 33, total: 33], epochs: 2),
            Case(
                folder: "fault_d_sigterm", captures: ["ms_cum"], usage: [total: 10],
                lost: (23, "the final flush is queued, but the process ends before it is written")),
            Case(
                folder: "fault_d_quitquitquit", captures: ["ms_cum"], usage: [total: 10],
                lost: (23, "the final flush is queued, but the process ends before it is written")),
            // Named ms_cum, but its bootstrap reports counters as deltas.
            Case(
                folder: "fault_e_slow", captures: ["ms_cum"], temporality: .delta, usage: [completed: 120, total: 120]),
            Case(folder: "fault_e_stall", captures: ["ms_cum"], usage: [total: 10]),
            Case(folder: "fault_f_error_after", captures: ["ms_delta"], temporality: .delta, usage: [total: 30]),
            Case(folder: "fault_f_respond_after", captures: ["ms_delta"], temporality: .delta, usage: [total: 30]),
            Case(folder: "fault_j_eviction", captures: ["ms_cum"], usage: [completed: 14, total: 14]),
            Case(folder: "flush_on_admin", captures: ["ms_delta"], temporality: .delta, usage: [total: 15]),
            Case(
                folder: "fault_xds_reset", captures: ["ms_cum"],
                usage: [
                    completed: 35, total: 35, "cluster.svc_dyn.upstream_rq_total": 35,
                    "cluster.svc_dyn.upstream_rq_2xx": 35, "vhost.tenant_a.vcluster.all.upstream_rq_completed": 35,
                    "vhost.tenant_a.vcluster.all.upstream_rq_total": 35,
                    "listener.127.0.0.1_21080.downstream_cx_total": 6,
                ]),
            Case(
                folder: "failover_two_workers", captures: ["worker_a", "worker_b"], usage: [completed: 32, total: 32]),
            Case(
                folder: "failover_two_workers", captures: ["worker_b", "worker_a"], usage: [completed: 32, total: 32]),
            Case(folder: "graceful_drain_recipe", captures: ["ms_cum"], usage: [completed: 23, total: 23]),
            Case(
                folder: "recommended", captures: ["ms_and_als"], usage: ["http.tenant_acme.downstream_rq_total": 25]),
            Case(
                folder: "metrics_service_delta_labels_batch50_hist", captures: ["capture"], temporality: .delta,
                usage: wire),
            Case(
                folder: "fault_b_kill9", captures: ["ms_delta"], temporality: .delta, usage: [total: 22], epochs: 2,
                lost: (28, "six requests between the last flush and the SIGKILL were never flushed")),
            Case(
                folder: "fault_c_hotrestart", captures: ["ms_delta"], temporality: .delta, usage: [total: 33], epochs: 2
            ),
            Case(
                folder: "fault_d_sigterm", captures: ["ms_delta"], temporality: .delta, usage: [total: 10],
                lost: (23, "the final flush is queued, but the process ends before it is written")),
            Case(
                folder: "fault_d_quitquitquit", captures: ["ms_delta"], temporality: .delta, usage: [total: 10],
                lost: (23, "the final flush is queued, but the process ends before it is written")),
            Case(folder: "fault_j_eviction", captures: ["ms_delta"], temporality: .delta, usage: [total: 14]),
            Case(
                folder: "fault_xds_reset", captures: ["ms_delta"], temporality: .delta,
                usage: [
                    total: 35, "cluster.svc_dyn.upstream_rq_total": 35, "cluster.svc_dyn.upstream_rq_2xx": 35,
                    "vhost.tenant_a.vcluster.all.upstream_rq_total": 35,
                ]),
            Case(folder: "graceful_drain_recipe", captures: ["ms_delta"], temporality: .delta, usage: [total: 23]),
            Case(folder: "name_sanitisation", captures: ["ms"], usage: oddNames),
            Case(folder: "name_sanitisation", captures: ["msl"], usage: oddNames),

            Case(folder: "otlp_cumulative", captures: ["capture"], sinkProtocol: .otlp, usage: wire),
            Case(folder: "otlp_delta", captures: ["capture"], sinkProtocol: .otlp, prefix: "billing", usage: wire),
            Case(
                folder: "otlp_full_names", captures: ["capture"], sinkProtocol: .otlp, ignoredTags: ["team", "boot"],
                usage: truth("otlp_full_names")),
            Case(folder: "fault_a_sinkdown", captures: ["otlp_cum"], sinkProtocol: .otlp, usage: [total: 22]),
            Case(
                folder: "fault_a_sinkdown", captures: ["otlp_delta"], sinkProtocol: .otlp, silences: 1,
                usage: [total: 15],
                lost: (22, "deltas of the flushes that no sink received are never sent again")),
            Case(
                folder: "fault_b_kill9", captures: ["otlp_cum"], sinkProtocol: .otlp, usage: [total: 22], epochs: 2,
                lost: (28, "six requests were never flushed")),
            Case(
                folder: "fault_b_kill9", captures: ["otlp_delta"], sinkProtocol: .otlp, usage: [total: 22],
                lost: (28, "six requests were never flushed")),
            Case(
                folder: "fault_c_hotrestart", captures: ["otlp_cum"], sinkProtocol: .otlp, usage: [total: 33], epochs: 2
            ),
            Case(folder: "fault_c_hotrestart", captures: ["otlp_delta"], sinkProtocol: .otlp, usage: [total: 33]),
            Case(
                folder: "fault_d_sigterm", captures: ["otlp_cum"], sinkProtocol: .otlp, usage: [total: 10],
                lost: (23, "there is no final flush")),
            Case(
                folder: "fault_d_sigterm", captures: ["otlp_delta"], sinkProtocol: .otlp, usage: [total: 10],
                lost: (23, "there is no final flush")),
            Case(
                folder: "fault_d_quitquitquit", captures: ["otlp_cum"], sinkProtocol: .otlp, usage: [total: 10],
                lost: (23, "there is no final flush")),
            Case(
                folder: "fault_d_quitquitquit", captures: ["otlp_delta"], sinkProtocol: .otlp, usage: [total: 10],
                lost: (23, "there is no final flush")),
            Case(folder: "fault_g_otlp_timeout", captures: ["otlp_delta"], sinkProtocol: .otlp, usage: [total: 10]),
            // An export that comes again, to this worker or another, counts once.
            Case(
                folder: "fault_g_otlp_timeout", captures: ["otlp_delta", "otlp_delta"], sinkProtocol: .otlp,
                usage: [total: 10]),

            Case(folder: "statsd_udp", captures: ["capture"], sinkProtocol: .statsd, prefix: "billing", usage: wire),
            Case(folder: "statsd_udp_default_prefix", captures: ["capture"], sinkProtocol: .statsd, usage: wire),
            Case(folder: "statsd_tcp", captures: ["capture"], sinkProtocol: .statsd, prefix: "billing", usage: wire),
            Case(folder: "dog_statsd", captures: ["capture"], sinkProtocol: .dogstatsd, prefix: "billing", usage: wire),
            Case(
                folder: "dog_statsd_1432", captures: ["capture"], sinkProtocol: .dogstatsd, prefix: "billing",
                usage: wire),
            Case(
                folder: "name_sanitisation", captures: ["statsd"], sinkProtocol: .statsd, prefix: "billing",
                usage: oddNames),
            Case(
                folder: "name_sanitisation", captures: ["dog"], sinkProtocol: .dogstatsd, prefix: "billing",
                usage: oddNames),
            Case(
                folder: "graphite_statsd", captures: ["capture"], sinkProtocol: .graphite, prefix: "billing",
                ignoredTags: ["envoy_node"],
                usage: [
                    completed: 63, total: 63, "http.ingress_http.downstream_rq_2xx": 53,
                    "cluster.svc_a.upstream_rq_total": 51, "cluster.svc_b.upstream_rq_total": 3,
                    "cluster.outbound|80||svc.upstream_rq_total": 4,
                    "vhost.odd;a b=1:x.vcluster.all.upstream_rq_total": 4,
                    "vhost.tenant_a.route.route_api.upstream_rq_total": 4,
                ]),
        ]
        + ["udp", "tcp"].flatMap { sink in
            [
                Case(
                    folder: "fault_a_sinkdown", captures: [sink], sinkProtocol: .statsd, prefix: "billing",
                    silences: 1, usage: [total: 15], lost: (22, "nothing is sent again")),
                Case(
                    folder: "fault_b_kill9", captures: [sink], sinkProtocol: .statsd, prefix: "billing",
                    usage: [total: 22], lost: (28, "six requests were never flushed")),
                Case(
                    folder: "fault_c_hotrestart", captures: [sink], sinkProtocol: .statsd, prefix: "billing",
                    usage: [total: 33]),
                // statsd alone has a final flush.
                Case(
                    folder: "fault_d_sigterm", captures: [sink], sinkProtocol: .statsd, prefix: "billing",
                    usage: [total: 23]),
                Case(
                    folder: "fault_d_quitquitquit", captures: [sink], sinkProtocol: .statsd, prefix: "billing",
                    usage: [total: 23]),
            ]
        }
        + [
            ("als_http", "billing_als", 59, 59), ("als_respond", "billing_als", 30, 30),
            ("als_sigterm", "billing_als", 5, 11), ("als_sinkdown", "billing_als", 9, 16),
            ("als_sinkdown_streamretry", "billing_als", 16, 16), ("recommended", "billing", 25, 25),
        ].map { folder, prefix, arrived, sent in
            Case(
                folder: folder, captures: [folder == "recommended" ? "ms_and_als" : "capture"],
                sinkProtocol: .accessLog, evidence: [prefix: arrived], usage: [:], epochs: nil,
                lost: arrived < sent ? (sent, "entries that Envoy counts as flushed were lost") : nil)
        }
        + ["als_neverup", "als_stall"].map {
            Case(folder: $0, captures: ["capture"], sinkProtocol: .accessLog, usage: [:], epochs: nil)
        }

    /// Each wire fixture holds exactly 59 requests.
    private static let wire: [String: Int64] = [
        total: 59, "http.ingress_http.downstream_rq_2xx": 49, "http.ingress_http.downstream_rq_4xx": 7,
        "http.ingress_http.downstream_rq_5xx": 3, "cluster.svc_a.upstream_rq_total": 51,
        "cluster.tenant_b_alt.upstream_rq_total": 3,
    ]

    /// One request per host, to names that hold all that Envoy leaves in them.
    /// What the fixture's `truth.json` expects.
    private static func truth(_ folder: String) -> [String: Int64] {
        struct Truth: Decodable { var expected: [String: Int64] }
        let text = FileManager.default.contents(atPath: path(folder + "/truth.json")) ?? Data()
        return (try? JSONDecoder().decode(Truth.self, from: text).expected) ?? ["truth.json can not be read": 1]
    }

    private static let oddNames: [String: Int64] = [
        total: 5, "cluster.outbound|80||svc.default.upstream_rq_total": 1, "cluster.dot.ted.name.upstream_rq_total": 1,
        "cluster.sp ace.upstream_rq_total": 1, "cluster.with_colon.upstream_rq_total": 1,
        "cluster.ns/svc/80/da39a3ee5e.upstream_rq_total": 1,
        "vhost.v.example:8080.vcluster.all.upstream_rq_total": 1, "vhost.t#1,x.vcluster.all.upstream_rq_total": 1,
        "vhost.a|b.vcluster.all.upstream_rq_total": 1, "vhost.sp v.route.rt.x.upstream_rq_total": 1,
    ]

    @Test("A capture's usage is what its flushes carried", arguments: cases)
    func usage(of replayed: Case) throws {
        let report = try replay(replayed)
        for (name, usage) in replayed.usage {
            let counter = report.counters.first { $0.name == name }
            #expect(counter?.usage == usage, "\(name)")
        }
        #expect(report.instances.map(\.epochs) == (replayed.epochs.map { [$0] } ?? []))
        #expect(!report.notes.contains { $0.contains("identity conflict") || $0.contains("refused") })
        var evidence: [String: Int64] = [:]
        for row in report.evidence { evidence[row.prefix, default: 0] += row.answered }
        #expect(evidence == replayed.evidence)
        if replayed.silences > 0 {
            #expect(report.losses.filter { $0.reason == .silence }.count == replayed.silences)
        }
        guard let lost = replayed.lost else { return }
        // What was lost is named, except where an access log or statsd gives no sign of it.
        #expect(replayed.usage.values.allSatisfy { $0 < lost.sent }, "\(lost.why)")
        if replayed.sinkProtocol == .metricsService { #expect(!report.losses.isEmpty, "\(lost.why)") }
    }

    @Test("Resets inside a process are counted, and add up")
    func resets() throws {
        let report = try replay(Case(folder: "fault_xds_reset", captures: ["ms_cum"], usage: [:]))
        let counter = report.counters.first { $0.name == "cluster.svc_dyn.upstream_rq_2xx" }
        // Two of three changes of the cluster show as a fall: 10, then 3 7 12, then 6 13.
        #expect(counter?.resets == 2)
        #expect(counter?.usage == 35)
        #expect(report.notes.contains { $0.contains("cluster.svc_dyn.upstream_rq_2xx was reset 2 times") })
    }

    @Test("The same capture given twice is counted once")
    func twice() throws {
        let report = try replay(
            Case(folder: "metrics_service_cumulative", captures: ["capture", "capture"], usage: [:]))
        #expect(report.counters.first { $0.name == Self.total }?.usage == 59)
    }

    @Test("Only the chosen stream, and only matching names")
    func narrowed() throws {
        var options = Replay.Options()
        options.stream = 2
        options.collect = CollectPatterns(include: [try NamePattern(glob: "http.tenant*rq_total")])
        let report = try Replay.run([try Self.capture("recommended", "ms_and_als")], options: options)
        #expect(report.counters.allSatisfy { $0.name.hasPrefix("http.tenant") })
        options.stream = 99
        #expect(try Replay.run([try Self.capture("recommended", "ms_and_als")], options: options).counters.isEmpty)
    }

    @Test("A cumulative source that sends deltas is not billed as if nothing were wrong")
    func deltasTakenForTotals() throws {
        let report = try replay(Case(folder: "fault_e_slow", captures: ["ms_cum"], usage: [:]))
        #expect(report.notes.contains { $0.contains("identity conflict") })
        #expect((report.counters.first { $0.name == Self.total }?.usage ?? 0) <= 120)
    }

    @Test("A scrape counts under Envoy's own names, whatever tags it carries")
    func prometheus() throws {
        var options = Replay.Options()
        options.sinkProtocol = .prometheus
        options.ignoredTags = ["envoy_node"]
        let scrape = try CaptureFile(text: Self.path("graphite_statsd/prometheus.txt.gz"))
        let report = try Replay.run([scrape, scrape], options: options)
        let usage = Dictionary(uniqueKeysWithValues: report.counters.map { ($0.name, $0.usage) })
        #expect(usage[Self.completed] == 63)
        #expect(usage["cluster.svc_a.upstream_rq_total"] == 51)
        #expect(usage["vhost.tenant_a.route.route_api.upstream_rq_total"] == 4)
        #expect(usage["vhost.odd;a b=1:x.vcluster.all.upstream_rq_total"] == 4)
        #expect(report.instances.map(\.epochs) == [1])
    }

    @Test("A JSON access log is evidence per connection manager and route, and counts once")
    func jsonAccessLog() throws {
        var options = Replay.Options()
        options.sinkProtocol = .accessLogJSON
        let log = try CaptureFile(text: Self.path("graphite_statsd/access.log.gz"))
        let report = try Replay.run([log, log], options: options)
        let answered = Dictionary(uniqueKeysWithValues: report.evidence.map { ($0.route, $0.answered) })
        #expect(answered == ["api": 4, "root": 47, "svc_b": 3, "outbound|80||svc": 4, "": 5])
        #expect(Set(report.evidence.map(\.prefix)) == ["ingress_http"])
        #expect(report.notes == ["63 log entries came twice, and count once"])
    }

    @Test("The streams of a capture, whole, give what its replay gives", arguments: cases.filter(\.evidence.isEmpty))
    func wholeStreams(_ replayed: Case) throws {
        let captures = try replayed.captures.map { try Self.capture(replayed.folder, $0) }
        let read = try Replay.streams(captures, options: Self.options(replayed), gateway: "edge")
        var ledger = MemoryLedger()
        for stream in read.streams {
            var tape = stream.tape
            try ledger.commit(&tape, of: stream.identity)
        }
        let totals = try ledger.totals()
        let report = try Replay.run(captures, options: Self.options(replayed))
        for counter in report.counters {
            #expect(
                totals.first { $0.instance == counter.instance && $0.name == counter.name }?.usage == counter.usage,
                "\(counter.name)")
        }
        #expect(totals.count == report.counters.count)
    }

    private static func options(_ replayed: Case) -> Replay.Options {
        var options = Replay.Options()
        options.sinkProtocol = replayed.sinkProtocol
        options.prefix = replayed.prefix
        options.ignoredTags = replayed.ignoredTags
        options.temporality = replayed.temporality
        return options
    }

    private func replay(_ replayed: Case) throws -> Replay.Report {
        try Replay.run(
            try replayed.captures.map { try Self.capture(replayed.folder, $0) }, options: Self.options(replayed))
    }

    private static func capture(_ folder: String, _ name: String) throws -> CaptureFile {
        try CaptureFile(path: path("\(folder)/\(name).bin.gz"))
    }

    private static func path(_ file: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/envoy/\(file)").path
    }
}
