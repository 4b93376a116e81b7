import Testing

@testable import DemoGateway

@Suite struct FreePortsTests {
    @Test func `ports found together differ and nobody listens on them`() async throws {
        let ports = try await FreePorts.find(8)
        #expect(Set(ports).count == 8)
        #expect(ports.allSatisfy(FreePorts.range.contains))
        #expect(await !anyAccepts(ports))
    }

    @Test func `a port that is taken is not given`() async throws {
        let free = try await FreePorts.find(1)[0]
        try await Upstream.run { upstream in
            let found = try await FreePorts.find(1, among: [upstream.port, free])
            #expect(found == [free])
            let error = await #expect(throws: DemoGatewayError.self) {
                try await FreePorts.find(1, among: [upstream.port])
            }
            #expect(error?.code == .noFreePort)
        }
    }
}
