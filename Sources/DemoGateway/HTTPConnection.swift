import NIOCore
import NIOHTTP1
import NIOPosix

/// One HTTP/1.1 client connection to the loopback. It never sends a request twice: a load that is compared with a
/// counter must know what it sent.
struct HTTPConnection: ~Copyable {
    struct Request {
        var method = HTTPMethod.GET
        var path: String
        var host = "demo"
        var bodyBytes = 0
        /// Asks the other side to close after its answer.
        var isLast = false
    }

    struct Response {
        var status: Int
        var body: ByteBuffer
        /// Whether another request may follow on this connection.
        var keepsAlive: Bool
    }

    private var responses: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private let requests: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

    /// Connects, runs the body with the connection, and closes it. A connection that is silent for `timeout` is closed.
    static func withConnection<Result: Sendable>(
        port: Int, timeout: Duration = .seconds(30),
        _ body: (inout HTTPConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(TimeAmount(timeout))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: TimeAmount(timeout)))
                    try channel.pipeline.syncOperations.addHandler(ClosesWhenIdle())
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = HTTPConnection(responses: inbound.makeAsyncIterator(), requests: outbound)
            return try await body(&connection)
        }
    }

    private init(
        responses: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator,
        requests: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) {
        self.responses = responses
        self.requests = requests
    }

    /// Sends one request and waits for the whole answer.
    mutating func send(_ request: Request) async throws -> Response {
        var headers = HTTPHeaders([("host", request.host), ("content-length", String(request.bodyBytes))])
        if request.isLast { headers.add(name: "connection", value: "close") }
        var parts: [HTTPClientRequestPart] = [
            .head(HTTPRequestHead(version: .http1_1, method: request.method, uri: request.path, headers: headers))
        ]
        if request.bodyBytes > 0 {
            parts.append(.body(.byteBuffer(ByteBuffer(repeating: UInt8(ascii: "x"), count: request.bodyBytes))))
        }
        parts.append(.end(nil))
        try await requests.write(contentsOf: parts)

        var response: Response?
        while let part = try await responses.next() {
            switch part {
            case .head(let head):
                response = Response(
                    status: Int(head.status.code), body: ByteBuffer(), keepsAlive: head.isKeepAlive && !request.isLast
                )
            case .body(let bytes):
                response?.body.writeImmutableBuffer(bytes)
            case .end:
                if let response { return response }
            }
        }
        try Task.checkCancellation()
        throw DemoGatewayError(.noAnswer, "the connection ended before the answer to \(request.path) was whole")
    }
}

/// Closes a connection on which nothing has moved for its idle time.
private final class ClosesWhenIdle: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
