import DemoGateway
import Foundation
import Testing

/// The job from cron: twice at once, late, and by a clock that is wrong.
@Suite(.serialized) struct AggregateScheduleTests {
    static let fakeTime = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    ].first { FileManager.default.fileExists(atPath: $0) }

    static let gateways = 6

    @Test(
        "Two schedulers, with clocks nine days ahead, give each quarter hour once",
        .enabled(if: fakeTime != nil, "scripts/setup installs libfaketime"))
    func nineDaysAhead() async throws {
        let library = try #require(Self.fakeTime)
        // The library sets FAKETIME_SHARED where it is not set, which moves the environment, by whose place Swift finds a
        // process's arguments: it would run as if it had none.
        let ahead = [
            "LD_PRELOAD=\(library)", "FAKETIME=+9d", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_SHARED=/none /none",
        ]
        _ = Months.started
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let settings = try await ServeProcess.Settings.onFreePorts(
                    database: ["--database-url", cluster.url], folder: folder)
                try await Self.meter(70, settings)
                // One scheduler ahead of the other.
                try await Self.deriveAllTwiceAtOnce(cluster, [ahead, []])
                #expect(try await Usage.command("acme", Months.started.soFar, settings.database).requests == 420)
                // Now the server as well: to its clock all Envoys have been silent for nine days.
                try await cluster.restart(under: ahead)
                try await Self.deriveAllTwiceAtOnce(cluster, [ahead, ahead])
                #expect(
                    try await cluster.number("SELECT count(*) FROM epoch WHERE presumed_ended_at IS NOT NULL")
                        == Self.gateways)
                #expect(try await Usage.command("acme", Months.started.soFar, settings.database).requests == 420)
                // And right again: the Envoys had not ended.
                try await cluster.restart()
                try await Self.meter(100, settings)
                #expect(try await Usage.command("acme", Months.started.soFar, settings.database).requests == 600)
                for month in Months.started.soFar {
                    let check = try await Command.waybill(
                        ["check", "conservation", "--month", month] + settings.database)
                    #expect(check.exit == .code(0), "\(check.output)\(check.diagnostics)")
                    #expect(check.output.contains("Nothing differs."))
                }
            }
        }
    }

    /// Each gateway's Envoy has answered so many requests by now.
    private static func meter(_ requests: Double, _ settings: ServeProcess.Settings) async throws {
        try await ServeProcess.run(settings) { serve in
            try await MetricsClient.run(port: settings.grpcPort) { client in
                for gateway in 1...gateways {
                    let flush = Flush(
                        nodeID: "gw-\(gateway)", nodeCluster: "edge-\(gateway)", bootID: "boot-\(gateway)",
                        counters: [Flush.acme: requests])
                    let message = try flush.message()
                    #expect(await client.send([message]) == nil)
                }
            }
            let all = Int(requests) * gateways
            try await wait(for: "\(all) requests are metered") { try await serve.requests("acme") == all }
            #expect(try await serve.stop() == .code(0))
        }
    }

    /// All waits again, as after days without the job; and two runs begin at once.
    private static func deriveAllTwiceAtOnce(_ cluster: PostgresCluster, _ environments: [[String]]) async throws {
        try await cluster.execute(
            "INSERT INTO tape_change (gateway_id, quarter_hour) SELECT gateway_id, quarter_hour FROM tapes")
        let units = try await cluster.number("SELECT count(DISTINCT (gateway_id, quarter_hour)) FROM tapes")
        #expect(units >= gateways)
        let once = [Checkout.waybill, "aggregate", "--once", "--database-url", cluster.url]
        let runs = try await withThrowingTaskGroup { group in
            for environment in environments {
                group.addTask { try await Command.run("/usr/bin/env", environment + once) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for run in runs { #expect([.code(0), .code(3)].contains(run.exit), "\(run.diagnostics)") }
        let derived = runs.reduce(0) { sum, run in
            sum + (run.output.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        }
        #expect(derived == units, "\(runs.map { ($0.output, $0.diagnostics) })")
        #expect(try await cluster.number("SELECT count(*) FROM tape_change") == 0)
    }
}
