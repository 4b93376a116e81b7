import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP/1.1 server on the loopback that stands behind the demo's Envoy.
///
/// It answers what the path asks for: `/status/404` with that status, `/bytes/512` with a body of so many bytes,
/// `/status/404/bytes/512` with both; `/hold/3000` sends the answer's head at once and its body so many milliseconds later.
/// The default is 200 and an empty body.
package final class Upstream: Sendable {
    package let port: Int
    private let listener: any Channel
    private let connections: OpenChannels
    private let answered: AnswerCount

    private init(port: Int, listener: any Channel, connections: OpenChannels, answered: AnswerCount) {
        self.port = port
        self.listener = listener
        self.connections = connections
        self.answered = answered
    }

    /// Starts to listen, on a free port if none is given.
    package static func start(port: Int? = nil) async throws -> Upstream {
        let connections = OpenChannels()
        let answered = AnswerCount()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                connections.add(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(AnswersByPath(answered: answered))
                }
            }
            .bind(host: "127.0.0.1", port: port ?? 0)
            .get()
        return Upstream(
            port: listener.localAddress?.port ?? 0, listener: listener, connections: connections, answered: answered)
    }

    /// Runs the body with a server, which is stopped when the body ends or throws.
    package static func run<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Upstream) async throws -> Result
    ) async throws -> Result {
        let upstream = try await start()
        do {
            let result = try await body(upstream)
            await upstream.stop()
            return result
        } catch {
            await upstream.stop()
            throw error
        }
    }

    /// How many requests it has answered.
    package var answeredRequests: Int { answered.value }

    /// Stops listening and closes every connection.
    package func stop() async {
        try? await listener.close()
        await connections.closeAll()
    }
}

final class AnswerCount: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

/// What the path of a request asks for.
struct RequestedAnswer: Equatable {
    var status = 200
    var bodyBytes = 0
    var heldMilliseconds = 0

    /// Bodies above this are cut, so that a mistyped path does not take all memory.
    static let maximumBodyBytes = 64 << 20

    init(path: some StringProtocol) {
        let words = path.prefix { $0 != "?" }.split(separator: "/")
        for (word, value) in zip(words, words.dropFirst()) {
            guard let value = Int(value), value >= 0 else { continue }
            if word == "status", (200...599).contains(value) { status = value }
            if word == "hold" { heldMilliseconds = min(value, 60_000) }
            if word == "bytes" { bodyBytes = min(value, Self.maximumBodyBytes) }
        }
    }
}

private final class AnswersByPath: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answered: AnswerCount
    private var path = ""

    init(answered: AnswerCount) { self.answered = answered }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = head.uri
        case .body: break
        case .end: answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        answered.add()
        let requested = RequestedAnswer(path: path)
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: requested.status),
            headers: ["content-length": String(requested.bodyBytes)]
        )
        guard requested.heldMilliseconds > 0 else {
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            return finish(requested, context)
        }
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(requested.heldMilliseconds))) {
            self.finish(requested, context)
        }
    }

    private func finish(_ requested: RequestedAnswer, _ context: ChannelHandlerContext) {
        if requested.bodyBytes > 0 {
            let body = ByteBuffer(repeating: UInt8(ascii: "y"), count: requested.bodyBytes)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
