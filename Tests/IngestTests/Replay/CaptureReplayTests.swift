import Foundation
import Ingest
import Metering
import Testing

/// The captures of a real Envoy's metrics service, against what was really sent.
@Suite("Captures replay to what was on the wire")
struct CaptureReplayTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var folder: String
        var captures: [String]
        var temporality = Temporality.cumulative
        /// Usage by counter.
        var usage: [String: Int64]
        var epochs = 1
        /// What was sent where it is more than what reached the wire, and why it did not get there.
        var lost: (sent: Int64, why: String)?

        var testDescription: String { "\(folder): \(captures.joined(separator: ", "))" }
    }

    private static let completed = "http.ingress_http.downstream_rq_completed"
    private static let total = "http.ingress_http.downstream_rq_total"

    static let cases: [Case] = [
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
        Case(folder: "fault_e_slow", captures: ["ms_cum"], temporality: .delta, usage: [completed: 120, total: 120]),
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
                "vhost.tenant_a.vcluster.all.upstream_rq_total": 35, "listener.127.0.0.1_21080.downstream_cx_total": 6,
            ]),
        Case(folder: "failover_two_workers", captures: ["worker_a", "worker_b"], usage: [completed: 32, total: 32]),
        Case(folder: "failover_two_workers", captures: ["worker_b", "worker_a"], usage: [completed: 32, total: 32]),
        Case(folder: "graceful_drain_recipe", captures: ["ms_cum"], usage: [completed: 23, total: 23]),
        Case(
            folder: "recommended", captures: ["ms_and_als"], usage: ["http.tenant_acme.downstream_rq_total": 25]),
    ]

    @Test("A capture's usage is what its flushes carried", arguments: cases)
    func usage(of replayed: Case) throws {
        let report = try replay(replayed)
        for (name, usage) in replayed.usage {
            let counter = report.counters.first { $0.name == name }
            #expect(counter?.usage == usage, "\(name)")
        }
        #expect(report.instances.map(\.epochs) == [replayed.epochs])
        #expect(!report.notes.contains { $0.contains("identity conflict") })
        if let lost = replayed.lost { #expect(replayed.usage.values.allSatisfy { $0 < lost.sent }, "\(lost.why)") }
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

    private func replay(_ replayed: Case) throws -> Replay.Report {
        var options = Replay.Options()
        options.temporality = replayed.temporality
        return try Replay.run(
            try replayed.captures.map { try Self.capture(replayed.folder, $0) }, options: options)
    }

    private static func capture(_ folder: String, _ name: String) throws -> CaptureFile {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/envoy/\(folder)/\(name).bin.gz")
        return try CaptureFile(path: fixtures.path)
    }
}
