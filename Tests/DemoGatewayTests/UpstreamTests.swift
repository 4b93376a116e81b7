import NIOCore
import Testing

@testable import DemoGateway

@Suite struct UpstreamTests {
    @Test(arguments: [
        ("/", 200, 0), ("/bytes/512", 200, 512), ("/status/404", 404, 0), ("/status/503/bytes/7?x=/bytes/9", 503, 7),
        ("/status/99", 200, 0), ("/status/abc/bytes/-1", 200, 0), ("/bytes", 200, 0),
        ("/bytes/99999999999", 200, RequestedAnswer.maximumBodyBytes),
    ])
    func `the path asks for a status and a size`(path: String, status: Int, bytes: Int) {
        let requested = RequestedAnswer(path: path)
        #expect(requested.status == status)
        #expect(requested.bodyBytes == bytes)
    }

    @Test func `answers with the status and the body asked for`() async throws {
        try await Upstream.run { upstream in
            let response = try await HTTPConnection.withConnection(port: upstream.port) { connection in
                try await connection.send(.init(path: "/status/418/bytes/70000"))
            }
            #expect(response.status == 418)
            #expect(response.body.readableBytes == 70_000)
        }
    }

    @Test func `a stopped server refuses connections`() async throws {
        let upstream = try await Upstream.start()
        #expect(await anyAccepts([upstream.port]))
        await upstream.stop()
        #expect(await !anyAccepts([upstream.port]))
    }
}
