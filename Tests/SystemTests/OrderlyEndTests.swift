import DemoGateway
import Testing

/// The end of `waybill serve` while an Envoy sends to it.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct OrderlyEndTests {
    @Test func `SIGTERM commits and aggregates the last readings within ten seconds, with Envoy connected`()
        async throws
    {
        try await Gateway.run(commitInterval: "1h") { gateway in
            try await gateway.load(["acme": 60, "globex": 40], seconds: 2)
            // A slow flush leaves in several parts, each of which looks like one.
            try await gateway.flushes(4)
            #expect(try await gateway.serve.stop() == .code(0))
            #expect(await gateway.serve.log.contains("ended in order"))
            for (tenant, sent) in gateway.sent {
                let metered = try await Usage.command(tenant, Months.started.soFar, gateway.database)
                #expect(metered.requests == sent, "\(tenant)")
            }
        }
    }
}
