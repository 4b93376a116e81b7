import DemoGateway
import Foundation
import Testing

/// One real Envoy that reports one gateway by every sink at once, while everything on the way to the bill dies.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct EverySinkTests {
    private static let tenants = ["acme", "globex", "initech"]

    @Test
    func `What reached the wire is billed once though eight sources report, and what did not lies inside a named gap`()
        async throws
    {
        try await WireWitness.run { witness in
            let sinks = try await Sinks.onFreePorts(
                .together(gateway: "demo", instance: "gw-demo-1"), witnessPort: witness.port)
            try await Gateway.run(drainSeconds: 2, allowsHotRestart: true, sinks: sinks) { gateway in
                let (envoy, serve) = (gateway.envoy, gateway.serve)

                // The worker and the database die under load, and Envoy is hot-restarted.
                try await gateway.load(["acme": 240, "globex": 120, "initech": 60], seconds: 8) { load in
                    try await load.reaches(0.2)
                    await serve.kill()
                    try await serve.start()
                    try await load.reaches(0.5)
                    await gateway.cluster.crash()
                    try await load.reaches(0.75)
                    try await gateway.cluster.start()
                }
                try await gateway.settles()
                // At a low rate: a parent's last flush tells a request that comes in the middle of it to its child too.
                try await gateway.load(["acme": 24, "globex": 16, "initech": 8], seconds: 8) { load in
                    try await load.reaches(0.2)
                    try await envoy.hotRestart()
                }
                try await gateway.settles()

                // Killed, with requests that it had answered and not yet flushed.
                let killed = try await burst(gateway, witness) { await envoy.kill() }
                await serve.kill()
                try await envoy.start()
                try await gateway.load(["acme": 60, "globex": 40, "initech": 20], seconds: 4) { load in
                    try await load.reaches(0.5)
                    try await serve.start()
                }
                try await meters(witness, gateway)

                // Ended without a drain: statsd carries the last flush away, the others do not.
                let ended = try await burst(gateway, witness) { try await envoy.terminate() }
                try await envoy.start()
                try await gateway.load(["acme": 60, "globex": 40, "initech": 20], seconds: 4) { load in
                    try await load.reaches(0.4)
                    try await gateway.cluster.restart()
                    try await load.reaches(0.9)
                    #expect(try await envoy.drainAndStop() == .complete)
                }
                try await meters(witness, gateway)
                #expect(try await serve.stop() == .code(0))
                _ = try await Command.waybill(["aggregate", "--once"] + gateway.database)
                try await judge(gateway, witness, losses: [killed, ended])
            }
        }
    }

    /// A life that ended with requests under way to the next flush.
    private struct Loss {
        var sent: [String: Int]
        /// What of them reached the wire.
        var onTheWire: [String: Int]
        var at: Date
    }

    /// Sends requests just after a flush, and ends Envoy before the next.
    private func burst(
        _ gateway: Gateway, _ witness: WireWitness, isolation: isolated (any Actor)? = #isolation,
        _ end: () async throws -> Void
    ) async throws -> Loss {
        try await gateway.flushes(1)
        let before = witness.requests
        let burst = ["acme": 12, "globex": 8, "initech": 4]
        try await gateway.load(burst, seconds: 0)
        let at = Date()
        try await end()
        // What the last flush put into the sockets is on its way to the witness.
        try await Task.sleep(for: .milliseconds(200))
        let reached = witness.requests.map { ($0.key, $0.value - before[$0.key, default: 0]) }
        return Loss(sent: burst, onTheWire: Dictionary(uniqueKeysWithValues: reached), at: at)
    }

    /// Waits until what reached the wire is metered: what an Envoy counted is stored before it may die.
    private func meters(_ witness: WireWitness, _ gateway: Gateway) async throws {
        var metered: [String: Int] = [:]
        do {
            try await wait(for: "what reached the wire is metered", within: .seconds(20)) {
                for tenant in Self.tenants { metered[tenant] = try await gateway.serve.requests(tenant) }
                return metered == witness.requests
            }
        } catch {
            throw SystemTestError("on the wire \(witness.requests), metered \(metered), sent \(gateway.sent): \(error)")
        }
    }

    private func judge(_ gateway: Gateway, _ witness: WireWitness, losses: [Loss]) async throws {
        #expect(losses[0].onTheWire.values.reduce(0, +) < losses[0].sent.values.reduce(0, +), "nothing was lost")
        for tenant in Self.tenants {
            let sent = gateway.sent[tenant, default: 0]
            let onTheWire = witness.requests[tenant, default: 0]
            var (requests, lower, upper): (Int, Int, Int?) = (0, 0, 0)
            var gaps: [Gaps.Gap] = []
            for month in Months.started.soFar {
                let text = try await Command.waybill(
                    ["gaps", "--tenant", tenant, "--month", month, "--format", "json"] + gateway.database
                ).succeeded()
                let month = try JSONDecoder().decode(Gaps.self, from: Data(text.utf8))
                requests += month.requests
                lower += month.lower
                upper = upper.flatMap { upper in month.upper.map { upper + $0 } }
                gaps += month.coverage.gaps
            }
            let story: Comment =
                "\(tenant): sent \(sent), on the wire \(onTheWire), \(requests) \(lower) \(upper ?? -1); \(gaps)"
            print(story)
            #expect(requests == onTheWire, story)
            #expect(lower == requests, story)
            // A bound that is not known is above everything.
            #expect(upper ?? .max >= sent, story)
            // Other sources say of no other stretch that something is missing. A pull that came between the last flush and
            // the end has seen a part of the tail, and says so of its own step.
            let tails = gaps.filter { $0.reason == "tail_lost" }
            #expect(gaps.allSatisfy { gap in tails.contains { $0.touches(gap) } }, story)
            for loss in losses {
                let missing = loss.sent[tenant, default: 0] - loss.onTheWire[tenant, default: 0]
                guard missing > 0 else { continue }
                #expect(gaps.contains { $0.reason == "tail_lost" && $0.holds(loss.at, missing) }, story)
            }
        }
    }

    /// What `waybill gaps --format json` prints.
    private struct Gaps: Decodable {
        struct Coverage: Decodable { var gaps: [Gap] }

        struct Gap: Decodable {
            var reason: String
            var from: String
            var to: String
            var upper: Int?

            /// Whether it says that so many requests may have come at the time.
            func holds(_ time: Date, _ requests: Int) -> Bool {
                guard let from = Self.date(from), let to = Self.date(to) else { return false }
                return from <= time && time <= to && upper ?? .max >= requests
            }

            func touches(_ other: Gap) -> Bool {
                guard let from = Self.date(from), let to = Self.date(to), let otherFrom = Self.date(other.from),
                    let otherTo = Self.date(other.to)
                else { return false }
                return from <= otherTo && otherFrom <= to
            }

            private static func date(_ text: String) -> Date? {
                try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains(".")))
            }
        }

        var requests: Int
        var lower: Int
        var upper: Int?
        var coverage: Coverage
    }
}
