import Testing

@testable import DemoGateway

@Suite struct TCPFaultProxyTests {
    @Test func `bytes pass`() async throws {
        try await withProxy { upstream, proxy in
            let outcomes = await Load([
                LoadPlan(tenant: "acme", port: proxy.port, requests: 50, responseBodyBytes: 9000)
            ])
            .run()
            #expect(outcomes["acme"]?.answered == 50)
            #expect(upstream.answeredRequests == 50)
        }
    }

    @Test func `a black hole holds what is sent, and hands it on afterwards`() async throws {
        try await withProxy { upstream, proxy in
            try await HTTPConnection.withConnection(port: proxy.port) { connection in
                _ = try await connection.send(.init(path: "/"))
                await proxy.set(.blackHole)
                let another = Load([LoadPlan(tenant: "acme", port: proxy.port, requests: 1)])
                async let outcomes = another.run()
                while another.outcomes["acme"]?.connections == 0 { await Task.yield() }
                #expect(upstream.answeredRequests == 1)
                await proxy.set(.pass)
                _ = try await connection.send(.init(path: "/"))
                #expect(await outcomes["acme"]?.answered == 1)
            }
            #expect(upstream.answeredRequests == 3)
        }
    }

    @Test func `a cut ends connections, and new ones at once, until bytes pass again`() async throws {
        try await withProxy { upstream, proxy in
            try await HTTPConnection.withConnection(port: proxy.port) { connection in
                _ = try await connection.send(.init(path: "/"))
                await proxy.set(.cut)
                await #expect(throws: (any Error).self) { _ = try await connection.send(.init(path: "/")) }
            }
            let during = await Load([LoadPlan(tenant: "acme", port: proxy.port, requests: 3)]).run()
            #expect(during["acme"]?.answered == 0)
            await proxy.set(.pass)
            let after = await Load([LoadPlan(tenant: "acme", port: proxy.port, requests: 3)]).run()
            #expect(after["acme"]?.answered == 3)
            #expect(upstream.answeredRequests == 4)
        }
    }

    private func withProxy(_ body: (Upstream, TCPFaultProxy) async throws -> Void) async throws {
        try await Upstream.run { upstream in
            let proxy = try await TCPFaultProxy.start(to: .port(upstream.port))
            do { try await body(upstream, proxy) } catch {
                await proxy.stop()
                throw error
            }
            await proxy.stop()
        }
    }
}
