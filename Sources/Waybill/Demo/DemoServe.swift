import DemoGateway
import Foundation
import Metering
import UsageStore

/// `waybill serve` as a process of its own, on free ports.
struct DemoServe: Sendable {
    let grpcPort: Int
    let apiPort: Int
    private let process: ChildProcess
    private let log: String

    static func start(in folder: String) async throws -> DemoServe {
        let ports = try await FreePorts.find(2)
        let log = folder + "/serve.log"
        let process = try await ChildProcess.launch(
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            [
                "serve", "--data-dir", folder, "--grpc-listen", "127.0.0.1:\(ports[0])",
                "--api-listen", "127.0.0.1:\(ports[1])", "--commit-interval", "1s", "--aggregate-interval", "2s",
            ], log: log)
        let serve = DemoServe(grpcPort: ports[0], apiPort: ports[1], process: process, log: log)
        do {
            try await serve.waitUntilListening()
        } catch {
            await serve.stop()
            throw error
        }
        return serve
    }

    private func waitUntilListening() async throws {
        for _ in 0..<300 {
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if said.contains("metrics service (gRPC) listens"), said.contains("REST listens") { return }
            if process.exit != nil { throw CommandError(.failure, "waybill serve ended at once:\n\(said)") }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandError(.failure, "waybill serve does not listen after 30 s; see \(log)")
    }

    /// Waits until the last readings are committed: all that was answered is metered, or nothing more comes.
    func waitUntilStored(_ outcomes: [String: LoadOutcome], in store: UsageStore) async throws {
        let (month, period) = try Demo.period(at: WallClock.now())
        for _ in 0..<40 {
            _ = try await store.aggregate()
            var isComplete = true
            for (tenant, outcome) in outcomes {
                let usage = try? await store.monthlyUsage(
                    tenant: tenant, month: month, zone: "UTC", from: period.startTime, to: period.endTime)
                if (usage?.requests ?? 0) < Int64(outcome.answered) { isComplete = false }
            }
            if isComplete { return }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    func waitForEnd() async throws {
        while process.exit == nil { try await Task.sleep(for: .milliseconds(500)) }
    }

    /// Ends it in order, and by force after ten seconds. Goes on in a cancelled task.
    func stop() async {
        await Task {
            process.send(SIGTERM)
            if (try? await process.ended(within: .seconds(10))) ?? nil == nil {
                process.send(SIGKILL)
                _ = await process.ended()
            }
        }.value
    }
}
