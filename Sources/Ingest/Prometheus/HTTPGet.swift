internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One GET over HTTP/1.1 without TLS: what a scrape of Envoy's admin or scrape listener takes.
enum HTTPGet {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The body of a 200 answer.
    ///
    /// - Parameters:
    ///   - host: an address or a name.
    ///   - largest: bytes of a body that is taken.
    ///   - timeout: for all of it.
    static func body(
        host: String, port: Int, path: String, largest: Int, timeout: TimeAmount
    ) async throws -> [UInt8] {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = eventLoop.makePromise(of: [UInt8].self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: eventLoop)
                .connectTimeout(.seconds(3))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(Answer(promise: promise, largest: largest))
                    }
                }
                .connect(host: host, port: port).get()
        } catch {
            // Nobody else answers it where there is no channel.
            promise.fail(error)
            throw error
        }
        let deadline = eventLoop.scheduleTask(in: timeout) {
            promise.fail(Failure(description: "there was no whole answer in \(timeout.nanoseconds / 1_000_000_000) s"))
        }
        defer {
            deadline.cancel()
            channel.close(promise: nil)
        }
        let name = host.contains(":") ? "[\(host)]" : host
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path,
            headers: [
                "host": "\(name):\(port)", "connection": "close", "accept": "text/plain", "user-agent": "waybill",
            ])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await promise.futureResult.get()
    }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<[UInt8]>
        private let largest: Int
        private var body: [UInt8] = []

        /// The promise is kept once, whatever comes after.
        init(promise: EventLoopPromise<[UInt8]>, largest: Int) {
            self.promise = promise
            self.largest = largest
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                guard head.status == .ok else {
                    return fail(context, "the answer was \(head.status.code) \(head.status.reasonPhrase)")
                }
            case .body(let part):
                guard body.count + part.readableBytes <= largest else {
                    return fail(context, "the answer is larger than \(largest) bytes")
                }
                body.append(contentsOf: part.readableBytesView)
            case .end:
                promise.succeed(body)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(Failure(description: "the connection ended before the answer did"))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        private func fail(_ context: ChannelHandlerContext, _ what: String) {
            promise.fail(Failure(description: what))
            context.close(promise: nil)
        }
    }
}
