import DemoGateway
import Foundation
import Testing

/// The job from cron: twice at once, late, and by a clock that is wrong.
@Suite(.serialized) struct AggregateScheduleTests {
    static let fakeTime = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    ].first { FileManager.default.fileExists(atPath: $0) }

    @Test(
        "Two schedulers, one with a clock nine days ahead, give each quarter hour once",
        .enabled(if: fakeTime != nil, "scripts/setup installs libfaketime"))
    func nineDaysAhead() async throws {
        let library = try #require(Self.fakeTime)
        _ = Months.started
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let database = ["--database-url", cluster.url]
                try await ServeProcess.run(.onFreePorts(database: database, folder: folder)) { serve in
                    try await MetricsClient.run(port: serve.settings.grpcPort) { client in
                        let flush = try Flush(counters: [Flush.acme: 70]).message()
                        #expect(await client.send([flush]) == nil)
                    }
                    try await wait(for: "70 requests are metered") { try await serve.requests("acme") == 70 }
                    #expect(try await serve.stop() == .code(0))
                }
                // All waits again, as after days without the job.
                try await cluster.execute(
                    "INSERT INTO tape_change (gateway_id, quarter_hour) SELECT gateway_id, quarter_hour FROM tape")
                let once = [Checkout.waybill, "aggregate", "--once"] + database
                async let ahead = Command.run("/usr/bin/env", ["LD_PRELOAD=\(library)", "FAKETIME=+9d"] + once)
                async let onTime = Command.run("/usr/bin/env", once)
                let runs = try await [ahead, onTime]
                for run in runs { #expect([.code(0), .code(3)].contains(run.exit), "\(run.diagnostics)") }
                let derived = runs.reduce(0) { sum, run in
                    sum + (run.output.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
                }
                #expect(derived >= 1)
                #expect(try await Usage.command("acme", Months.started.soFar, database).requests == 70)
                let month = try #require(Months.started.soFar.sorted().last)
                let check = try await Command.waybill(["check", "conservation", "--month", month] + database)
                #expect(check.exit == .code(0), "\(check.output)\(check.diagnostics)")
                #expect(check.output.contains("Nothing differs."))
            }
        }
    }
}
