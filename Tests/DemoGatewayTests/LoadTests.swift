import NIOCore
import NIOPosix
import Testing

@testable import DemoGateway

@Suite struct LoadTests {
    @Test func `sends exactly the number of requests, by status and tenant`() async throws {
        try await Upstream.run { upstream in
            let outcomes = await Load([
                LoadPlan(
                    tenant: "acme", port: upstream.port, requests: 250, requestBodyBytes: 1000, responseBodyBytes: 3000
                ),
                LoadPlan(tenant: "acme", port: upstream.port, requests: 7, status: 404),
                LoadPlan(tenant: "globex", port: upstream.port, requests: 31, status: 503, connections: 1),
            ]).run()
            #expect(outcomes["acme"]?.answeredByStatus == [200: 250, 404: 7])
            #expect(outcomes["globex"]?.answeredByStatus == [503: 31])
            #expect(outcomes.values.allSatisfy { $0.unanswered == 0 && $0.unsent == 0 })
            #expect(upstream.answeredRequests == 288)
        }
    }

    @Test(arguments: [(20, 5, 4), (21, 5, 5), (1, 5, 1), (3, 1, 3)])
    func `a connection is fresh after its number of requests`(
        requests: Int, perConnection: Int, expected: Int
    ) async throws {
        try await Upstream.run { upstream in
            let plan = LoadPlan(
                tenant: "acme", port: upstream.port, requests: requests, requestsPerConnection: perConnection,
                connections: 1
            )
            let outcomes = await Load([plan]).run()
            #expect(outcomes["acme"]?.connections == expected)
            #expect(outcomes["acme"]?.answered == requests)
        }
    }

    @Test func `what was refused is unsent, not sent again`() async throws {
        let port = try await FreePorts.find(1)[0]
        let outcomes = await Load([LoadPlan(tenant: "acme", port: port, requests: 9)]).run()
        #expect(outcomes["acme"]?.unsent == 9)
        #expect(outcomes["acme"]?.started == 9)
        #expect(outcomes["acme"]?.answered == 0)
        #expect(outcomes["acme"]?.failures.values.reduce(0, +) == 9)
    }

    @Test func `with patience a refused connection is waited for`() async throws {
        let port = try await FreePorts.find(1)[0]
        let load = Load([LoadPlan(tenant: "acme", port: port, requests: 9, connectPatience: .seconds(60))])
        async let outcomes = load.run()
        while load.outcomes["acme"]?.started == 0 { await Task.yield() }
        let upstream = try await Upstream.start(port: port)
        #expect(await outcomes["acme"]?.answered == 9)
        await upstream.stop()
    }

    @Test func `a request whose answer never came is unanswered`() async throws {
        let port = try await FreePorts.find(1)[0]
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { $0.close() }
            .bind(host: "127.0.0.1", port: port).get()
        let outcomes = await Load([LoadPlan(tenant: "acme", port: port, requests: 5)]).run()
        try await listener.close()
        let acme = try #require(outcomes["acme"])
        #expect(acme.answered == 0)
        #expect(acme.unanswered + acme.unsent == 5)
    }

    @Test func `a stopped load waits for what is on its way and starts no more`() async throws {
        try await Upstream.run { upstream in
            let load = Load([
                LoadPlan(tenant: "acme", port: upstream.port, requests: 1_000_000, requestsPerSecond: 200)
            ])
            async let outcomes = load.run()
            while load.outcomes["acme"]?.answered == 0 { await Task.yield() }
            load.stop()
            let acme = try #require(await outcomes["acme"])
            #expect(acme.started == acme.answered)
            #expect(acme.answered == upstream.answeredRequests)
            #expect(acme.answered < 1_000_000)
        }
    }

    @Test func `a cancelled load ends, and says what it does not know`() async throws {
        try await Upstream.run { upstream in
            let load = Load([LoadPlan(tenant: "acme", port: upstream.port, requests: 1_000_000)])
            let task = Task { await load.run() }
            while load.outcomes["acme"]?.answered == 0 { await Task.yield() }
            task.cancel()
            let acme = try #require(await task.value["acme"])
            #expect(acme.started == acme.answered + acme.unanswered + acme.unsent)
        }
    }
}
