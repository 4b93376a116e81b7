import DemoGateway
import Foundation
import Testing

/// Two `waybill serve` with one database, and an Envoy whose cluster lists both.
@Suite(.serialized, .enabled(if: Checkout.envoy != nil, Comment(rawValue: Checkout.noEnvoy)))
struct TwoWorkersTests {
    @Test
    func `streams move between two workers that are killed in turn, and one that was thought dead lowers nothing`()
        async throws
    {
        let ports = try await FreePorts.find(2)
        let one = "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${INGEST_PORT}}}}}"
        let other = one.replacing("${INGEST_PORT}", with: "\(ports[0])")
        try await Gateway.run(bootstrap: { $0.replacing("[\(one)]", with: "[\(one), \(other)]") }) { gateway in
            try await withFolder { folder in
                let settings = ServeProcess.Settings(
                    database: gateway.database, grpcPort: ports[0], apiPort: ports[1], folder: folder)
                try await ServeProcess.run(settings) { second in
                    let first = gateway.serve
                    try await gateway.load(["acme": 480, "globex": 240, "initech": 120], seconds: 16) { load in
                        try await load.reaches(0.15)
                        await first.kill()
                        try await load.reaches(0.3)
                        try await first.start()
                        try await load.reaches(0.4)
                        await second.kill()
                        try await load.reaches(0.55)
                        try await second.start()
                        // Its connections stand, and nothing is read: what it holds is stored late.
                        try await load.reaches(0.6)
                        await first.pause()
                        try await load.reaches(0.7)
                        await second.kill()
                        try await second.start()
                        try await load.reaches(0.8)
                        await first.resume()
                    }
                    #expect(try await gateway.envoy.drainAndStop() == .complete)
                    try await gateway.settles()
                    #expect(try await first.stop() == .code(0))
                    #expect(try await second.stop() == .code(0))
                    _ = try await Command.waybill(["aggregate", "--once"] + gateway.database)
                    for (tenant, sent) in gateway.sent {
                        let metered = try await Usage.command(tenant, Months.started.soFar, gateway.database)
                        #expect(metered.requests == sent, "\(tenant)")
                    }
                }
            }
        }
    }
}
