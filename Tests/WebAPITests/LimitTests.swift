import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PostgreSQL
import TestSupport
import Testing
import UsageStore

@testable import WebAPI

/// What is too much, too long or too slow.
@Suite struct LimitTests {
    @Test func `An unknown parameter and a page beyond the largest are refused everywhere`() async throws {
        try await withOpenAPI { api in
            let document = try APIDocument.shipped.get()
            for operation in document.operations where operation.method == "GET" {
                let path = operation.path.replacingOccurrences(of: "{period}", with: "2024-11")
                    .replacingOccurrences(of: "{id}", with: "x").replacingOccurrences(of: "{name}", with: "x")
                    .replacingOccurrences(of: "{effective}", with: "2024-01-01")
                let query = document.query(method: "GET", path: operation.path)
                let sign = query.isEmpty ? "?" : "&"
                var wrong = ["nothing=1"]
                if document.queryNames(method: "GET", path: operation.path).contains("limit") {
                    wrong += ["limit=1001", "limit=0", "limit=-1", "limit=1.5", "limit="]
                }
                for wrong in wrong {
                    let answer = try await api.send(.get, path + query + sign + wrong)
                    #expect(answer.status == .badRequest, "\(path) \(wrong): \(answer.status)")
                    let invalid = try answer.json["invalid_parameters"] as? [[String: String]]
                    #expect(invalid?.first?["field"] == String(wrong.prefix { $0 != "=" }))
                }
            }
        }
    }

    @Test(arguments: [
        ("2024-01-01T00:00:00Z", "2025-02-04T00:00:00Z", 200), ("2024-01-01T00:00:00Z", "2025-02-04T00:15:00Z", 400),
        ("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", 400), ("2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", 400),
        ("2024-01-01T00:00:01Z", "2024-01-02T00:00:00Z", 400),
    ])
    func `A range has at most 400 days, the right way round, on quarter hours`(from: String, to: String, status: Int)
        async throws
    {
        try await withOpenAPI { api in
            let answer = try await api.send(.get, "/v1/usage?tenant=acme&window=P1D&from=\(from)&to=\(to)")
            #expect(answer.status.code == status, "\(String(buffer: answer.body))")
        }
    }

    @Test func `HEAD answers as GET does, and OPTIONS names the methods, on every path`() async throws {
        try await withOpenAPI { api in
            let document = try APIDocument.shipped.get()
            for (path, operations) in Dictionary(grouping: document.operations, by: \.path) {
                let uri = path.replacingOccurrences(of: "{period}", with: "2024-11")
                    .replacingOccurrences(of: "{effective}", with: "2024-01-01").replacingOccurrences(
                        of: "{id}", with: "x"
                    )
                    .replacingOccurrences(of: "{name}", with: "x").replacingOccurrences(of: "{prefix}", with: "x")
                let options = try await api.send(.options, uri)
                var methods = Set(operations.map(\.method) + ["OPTIONS"])
                if methods.contains("GET") { methods.insert("HEAD") }
                #expect(options.status == .noContent)
                let allowed = (options.headers[.allow] ?? "").components(separatedBy: ", ")
                #expect(Set(allowed) == methods && allowed.count == methods.count, "\(uri)")
                #expect(try await api.send(.patch, uri).headers[.allow] == options.headers[.allow])
                guard methods.contains("GET") else { continue }
                let full = uri + document.query(method: "GET", path: path)
                let get = try await api.send(.get, full)
                let head = try await api.send(.head, full)
                #expect(head.status == get.status && head.body.readableBytes == 0, "\(full)")
                #expect(head.headers[.contentType] == get.headers[.contentType])
            }
        }
    }

    @Test func `More at once than a credential may is 429, and it is free again after`() async throws {
        var limits = RequestLimits()
        limits.concurrent = 2
        let meter = RequestMeter(limits)
        try meter.begin("a")
        try meter.begin("a")
        let refused = #expect(throws: Problem.self) { try meter.begin("a") }
        #expect(refused?.status == 429 && refused?.retryAfter == 1)
        try meter.begin("b")
        meter.end("a")
        try meter.begin("a")
    }

    // MARK: - Slow clients

    private static let quick: RequestLimits = {
        var limits = RequestLimits()
        (limits.idle, limits.receive, limits.timeout) = (1, 1, 1)
        return limits
    }()

    @Test(arguments: [
        // A head without an end, a byte at a time.
        ("GET /docs HTTP/1.1\r\nHost: a\r\nX-Slow: ", "a"),
        // A body that comes a byte at a time.
        ("POST /v1/quotes HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", " "),
        // Nothing.
        ("", ""),
    ])
    func `A client that is too slow to send is dropped`(first: String, drop: String) async throws {
        try await withServer { port in
            #expect(await Self.blocking { SlowClient(port: port).isDropped(first, drop, within: 12) })
            // Others are served.
            #expect(await Self.blocking { SlowClient(port: port).answers(to: 1, after: 0) } == 1)
        }
    }

    @Test func `A client that is too slow to take its answers is dropped`() async throws {
        try await withServer { port in
            let answers = await Self.blocking { SlowClient(port: port).answers(to: 2_000, after: 6) }
            #expect(answers > 0 && answers < 2_000)
            #expect(await Self.blocking { SlowClient(port: port).answers(to: 20, after: 0) } == 20)
        }
    }

    private static func blocking<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: work()) }
        }
    }

    private func withServer(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let document = try Shipped.text("docs/openapi.yaml")
        try await withStores { stores in
            let api = try await WebAPI(
                stores, configuration: .init(authentication: .none, limits: Self.quick, openAPI: document))
            let application = Application(router: api.router(), server: try api.server(), logger: TestServer.logger)
            try await application.test(.live) { client in try await body(try #require(client.port)) }
        }
    }

    private func withStores(_ body: @Sendable (APIStores) async throws -> Void) async throws {
        try await TestServer.withDatabase { database in
            let pool = PostgresPool(database, logger: TestServer.logger)
            let store = UsageStore(pool: pool, logger: TestServer.logger)
            do {
                try await body(APIStores(tenants: store, operators: store))
            } catch {
                await pool.shutdown()
                throw error
            }
            await pool.shutdown()
        }
    }
}

/// A connection that sends as slowly as it likes and reads nothing until it has stopped sending.
private struct SlowClient {
    let port: Int
    /// POLLRDHUP: the peer has closed.
    private static let gone: Int32 = 0x2000

    /// Whether the server closed the connection while a drop was sent each tenth of a second. Unit: seconds.
    func isDropped(_ first: String, _ drop: String, within limit: Int) -> Bool {
        guard let socket = connected() else { return false }
        defer { close(socket) }
        send(socket, first)
        let end = ContinuousClock.now + .seconds(limit)
        while ContinuousClock.now < end {
            usleep(100_000)
            var event = pollfd(fd: socket, events: Int16(Self.gone), revents: 0)
            if poll(&event, 1, 0) > 0, event.revents & Int16(Self.gone | POLLHUP | POLLERR) != 0 { return true }
            if !drop.isEmpty, !send(socket, drop) { return true }
        }
        return false
    }

    /// How many of so many requests are answered, where answers are taken from some seconds later on.
    func answers(to requests: Int, after pause: UInt32) -> Int {
        guard let socket = connected() else { return 0 }
        defer { close(socket) }
        var patience = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        send(socket, String(repeating: "GET /docs HTTP/1.1\r\nHost: a\r\n\r\n", count: requests))
        sleep(pause)
        let mark = Array("HTTP/1.1 200".utf8)
        var answers = 0
        var matched = 0
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while answers < requests {
            let count = recv(socket, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            for byte in bytes.prefix(count) {
                matched = byte == mark[matched] ? matched + 1 : byte == mark[0] ? 1 : 0
                if matched == mark.count { (answers, matched) = (answers + 1, 0) }
            }
        }
        return answers
    }

    private func connected() -> Int32? {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(socket)
            return nil
        }
        return socket
    }

    @discardableResult
    private func send(_ socket: Int32, _ text: String) -> Bool {
        var bytes = Array(text.utf8)
        return Glibc.send(socket, &bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) >= 0
            || errno == EAGAIN
    }
}
