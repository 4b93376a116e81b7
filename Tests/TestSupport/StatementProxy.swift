import NIOCore
import NIOPosix
package import PostgreSQL
import Synchronization

/// Stands between a client and PostgreSQL and counts the statements that pass. Before the one that it was told it kills the
/// client, so that the server sees what it sees of a process that died there; or it holds it, so that others can act.
package final class StatementProxy: Sendable {
    /// The server as a client reaches it through the proxy.
    package let configuration: PostgresConfiguration
    private let listener: any Channel
    private let watch: StatementWatch

    private init(_ configuration: PostgresConfiguration, _ listener: any Channel, _ watch: StatementWatch) {
        self.configuration = configuration
        self.listener = listener
        self.watch = watch
    }

    /// Runs `body` with a proxy before a server.
    package static func run<Result>(
        before server: PostgresConfiguration, _ body: (StatementProxy) async throws -> Result
    ) async throws -> Result {
        let watch = StatementWatch()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { join($0, to: server, watch) }
            .bind(host: "127.0.0.1", port: 0).get()
        var through = server
        let port = listener.localAddress?.port ?? 0
        through.parameters.merge(
            ["host": "127.0.0.1", "port": "\(port)", "sslmode": "disable", "gssencmode": "disable"]
        ) { $1 }
        let proxy = StatementProxy(through, listener, watch)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(proxy))
        } catch {
            result = .failure(error)
        }
        try? await listener.close()
        watch.killAll()
        return try result.get()
    }

    /// Runs a process that dies before its `place`-th statement, counted from 1.
    ///
    /// - Returns: whether it came so far; its error, which is how it learns of its death, is not thrown then.
    package func killing(at place: Int, _ process: () async throws -> Void) async throws -> Bool {
        watch.begin(.kill, at: place)
        defer { watch.end() }
        do {
            try await process()
        } catch {
            guard watch.isReached else { throw error }
        }
        return watch.isReached
    }

    /// Runs a process that is stopped before its `place`-th statement, counted from 1, until `others` have acted.
    ///
    /// - Returns: its result, and whether it came so far.
    package func holding<Result: Sendable>(
        at place: Int, _ process: @escaping @Sendable () async throws -> Result, while others: () async throws -> Void
    ) async throws -> (result: Result, wasHeld: Bool) {
        watch.begin(.hold, at: place)
        async let result = { [watch] in
            defer { watch.end() }
            return try await process()
        }()
        let wasHeld = await watch.reachedOrEnded()
        do {
            if wasHeld { try await others() }
        } catch {
            watch.release()
            throw error
        }
        watch.release()
        return (try await result, wasHeld)
    }

    private static func join(
        _ client: any Channel, to server: PostgresConfiguration, _ watch: StatementWatch
    ) -> EventLoopFuture<Void> {
        let host = server.parameters["host"] ?? "127.0.0.1"
        let port = server.parameters["port"] ?? "5432"
        let bootstrap = ClientBootstrap(group: client.eventLoop).channelOption(.autoRead, value: false)
        let connected =
            host.hasPrefix("/")
            ? bootstrap.connect(unixDomainSocketPath: "\(host)/.s.PGSQL.\(port)")
            : bootstrap.connect(host: host, port: Int(port) ?? 5432)
        return connected.flatMap { server in
            guard watch.add([client, server]) else {
                server.close(promise: nil)
                return client.close()
            }
            return client.eventLoop.makeCompletedFuture {
                try client.pipeline.syncOperations.addHandler(StatementRelay(to: server, watch))
                try server.pipeline.syncOperations.addHandler(AnswerRelay(to: client))
            }
            .flatMap { server.setOption(.autoRead, value: true).and(client.setOption(.autoRead, value: true)) }
            .map { _ in }
        }
    }
}

/// What is to happen to which statement, and whether it has.
private final class StatementWatch: Sendable {
    enum Fault { case kill, hold }

    private struct State {
        var fault: Fault?
        var place = 0
        var passed = 0
        var isReached = false
        var hasEnded = false
        var isDead = false
        var channels: [ObjectIdentifier: any Channel] = [:]
        /// Who waits for the fault or the end.
        var waiter: CheckedContinuation<Bool, Never>?
        /// Lets the statement that is held go on.
        var held: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var isReached: Bool { state.withLock { $0.isReached } }

    func begin(_ fault: Fault, at place: Int) {
        state.withLock {
            let channels = $0.channels
            $0 = State()
            $0.channels = channels
            ($0.fault, $0.place) = (fault, place)
        }
    }

    /// The process has ended, and another can begin.
    func end() {
        let waiter = state.withLock {
            $0.fault = nil
            $0.isDead = false
            $0.hasEnded = true
            return $0.waiter.take()
        }
        waiter?.resume(returning: false)
    }

    func reachedOrEnded() async -> Bool {
        await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock {
                if $0.isReached { return true }
                if $0.hasEnded { return false }
                $0.waiter = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    func release() {
        state.withLock { $0.held.take() }?()
    }

    /// Whether a statement passes; one that is held goes on by `resume`.
    func passes(_ resume: @escaping @Sendable () -> Void) -> Bool {
        let (fault, waiter) = state.withLock { state -> (Fault?, CheckedContinuation<Bool, Never>?) in
            state.passed += 1
            guard let fault = state.fault, state.passed == state.place else { return (nil, nil) }
            state.isReached = true
            if fault == .hold { state.held = resume } else { state.isDead = true }
            return (fault, state.waiter.take())
        }
        waiter?.resume(returning: true)
        if fault == .kill { killAll() }
        return fault == nil
    }

    /// Whether a connection may be made.
    func add(_ channels: [any Channel]) -> Bool {
        for channel in channels {
            let id = ObjectIdentifier(channel)
            state.withLock { $0.channels[id] = channel }
            channel.closeFuture.whenComplete { [weak self] _ in self?.state.withLock { $0.channels[id] = nil } }
        }
        return !state.withLock { $0.isDead }
    }

    func killAll() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}

/// Hands a client's messages to the server, one by one. Source: PostgreSQL manual, "Message Formats".
private final class StatementRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: any Channel
    private let watch: StatementWatch
    private var waiting = ByteBuffer()
    private var hasStarted = false
    private var isHeld = false

    init(to server: any Channel, _ watch: StatementWatch) {
        self.server = server
        self.watch = watch
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var new = unwrapInboundIn(data)
        waiting.writeBuffer(&new)
        if !isHeld { relay(context) }
    }

    private func relay(_ context: ChannelHandlerContext) {
        while let length = messageLength, waiting.readableBytes >= length {
            let execute = UInt8(ascii: "E")
            if hasStarted, waiting.getInteger(at: waiting.readerIndex) == execute {
                let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                let goOn: @Sendable () -> Void = {
                    handler.eventLoop.execute {
                        let (relay, context) = handler.value
                        relay.isHeld = false
                        relay.send(length)
                        relay.relay(context)
                    }
                }
                isHeld = true
                guard watch.passes(goOn) else { return }
                isHeld = false
            }
            send(length)
            hasStarted = true
        }
        waiting.discardReadBytes()
    }

    /// Of the next message with its head, once that is there. The first of a connection has no type.
    private var messageLength: Int? {
        let head = hasStarted ? 1 : 0
        return waiting.getInteger(at: waiting.readerIndex + head, as: UInt32.self).map { head + Int($0) }
    }

    private func send(_ length: Int) {
        guard let message = waiting.readSlice(length: length) else { return }
        server.writeAndFlush(message, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { server.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class AnswerRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: any Channel

    init(to client: any Channel) { self.client = client }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
