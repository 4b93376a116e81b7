import DemoGateway
import Testing

/// A known number of requests through a real Envoy, while everything on the way to the bill dies and comes back.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct ExactMeteringTests {
    @Test func `metered equals sent, whatever dies on the way; adding differences up per worker does not`() async throws
    {
        try await Gateway.run(drainSeconds: 4, allowsHotRestart: true) { gateway in
            let (envoy, serve) = (gateway.envoy, gateway.serve)
            let naive = NaiveDeltaMeter(envoy)
            let watch = Task { await naive.run() }
            defer { watch.cancel() }

            // The first life of Envoy. The last requests come while it drains.
            try await gateway.load(["acme": 420, "globex": 280, "initech": 140], seconds: 14) { load in
                try await load.reaches(0.2)
                await serve.kill()
                naive.kill()
                try await serve.start()
                naive.start()
                try await load.reaches(0.5)
                try await gateway.cluster.restart()
                try await load.reaches(0.93)
                #expect(try await envoy.drainAndStop() == .complete)
            }
            try await gateway.settles()

            // The second. A request that is counted while the parent's last flush is written would be in the child's
            // count too, whoever reads it: the rate is low.
            try await envoy.start()
            try await gateway.load(["acme": 36, "globex": 24, "initech": 12], seconds: 12) { load in
                try await load.reaches(0.2)
                try await envoy.hotRestart()
            }
            try await gateway.settles()
            try await gateway.load(["acme": 300, "globex": 200, "initech": 100], seconds: 10) { load in
                // The worker meters on without a database for a while.
                try await load.reaches(0.1)
                await gateway.cluster.crash()
                try await load.reaches(0.4)
                try await gateway.cluster.start()
                try await load.reaches(0.7)
                await serve.kill()
                naive.kill()
                try await serve.start()
                naive.start()
                try await load.reaches(0.92)
                #expect(try await envoy.drainAndStop() == .complete)
            }
            try await gateway.settles()

            // The third begins while nobody listens for its counters.
            #expect(try await serve.stop() == .code(0))
            naive.kill()
            try await envoy.start()
            try await gateway.load(["acme": 180, "globex": 120, "initech": 60], seconds: 6) { load in
                try await load.reaches(0.5)
                try await serve.start()
                naive.start()
                try await load.reaches(0.9)
                #expect(try await envoy.drainAndStop() == .complete)
            }
            #expect(try await serve.stop() == .code(0))

            _ = try await Command.waybill(["aggregate", "--once"] + gateway.database).succeeded()
            for (tenant, sent) in gateway.sent {
                let metered = try await Usage.command(tenant, Months.started.soFar, gateway.database)
                #expect(metered.requests == sent, "\(tenant)")
                #expect(metered.lower == sent, "\(tenant)")
                // The same life, added up per worker: each start adds what was counted before.
                #expect(naive.totals[tenant, default: 0] > sent, "\(tenant)")
                print("\(tenant): sent \(sent), metered \(metered.requests), differences \(naive.totals[tenant] ?? 0)")
            }
        }
    }
}
