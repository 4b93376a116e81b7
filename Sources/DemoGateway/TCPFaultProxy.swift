import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on the loopback whose connections can be cut or made to fall silent, for tests of what happens then.
/// It holds no limit on what one side sends faster than the other reads.
package final class TCPFaultProxy: Sendable {
    /// Where connections lead.
    package enum Target: Sendable {
        case port(Int)
        case unixSocket(String)
    }

    package enum Mode: Sendable {
        /// Bytes pass, both ways.
        case pass
        /// Connections stay open and new ones are accepted, but nothing passes: a network that swallows packets.
        /// What was sent meanwhile arrives when bytes pass again.
        case blackHole
        /// Connections are closed, and new ones at once: a server that has gone.
        case cut
    }

    package let port: Int
    private let listener: any Channel
    private let connections: OpenChannels
    private let mode: SharedMode

    private init(port: Int, listener: any Channel, connections: OpenChannels, mode: SharedMode) {
        self.port = port
        self.listener = listener
        self.connections = connections
        self.mode = mode
    }

    /// Starts to listen on a free port; bytes pass.
    package static func start(to target: Target) async throws -> TCPFaultProxy {
        let connections = OpenChannels()
        let mode = SharedMode()
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                guard mode.value != .cut else { return client.close() }
                return join(client, to: target, connections, mode)
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return TCPFaultProxy(
            port: listener.localAddress?.port ?? 0, listener: listener, connections: connections, mode: mode)
    }

    /// Changes what happens to the connections there are and to new ones.
    package func set(_ mode: Mode) async {
        self.mode.value = mode
        switch mode {
        case .cut: await connections.closeAll()
        case .pass, .blackHole:
            for channel in connections.all {
                try? await channel.setOption(.autoRead, value: mode == .pass).get()
            }
        }
    }

    /// Stops listening and closes every connection.
    package func stop() async {
        try? await listener.close()
        await connections.closeAll()
    }

    private static func join(
        _ client: any Channel, to target: Target, _ connections: OpenChannels, _ mode: SharedMode
    ) -> EventLoopFuture<Void> {
        let bootstrap = ClientBootstrap(group: client.eventLoop).channelOption(.autoRead, value: false)
        let connected =
            switch target {
            case .port(let port): bootstrap.connect(host: "127.0.0.1", port: port)
            case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        return connected.flatMap { server in
            for channel in [client, server] { connections.add(channel) }
            return client.eventLoop.makeCompletedFuture {
                try client.pipeline.syncOperations.addHandler(Relay(to: server))
                try server.pipeline.syncOperations.addHandler(Relay(to: client))
            }
            .flatMap {
                guard mode.value != .cut else { return client.close() }
                let passes = mode.value == .pass
                return server.setOption(.autoRead, value: passes).and(client.setOption(.autoRead, value: passes))
                    .map { _ in }
            }
        }
    }
}

private final class SharedMode: Sendable {
    private let mode = Mutex(TCPFaultProxy.Mode.pass)
    var value: TCPFaultProxy.Mode {
        get { mode.withLock { $0 } }
        set { mode.withLock { $0 = newValue } }
    }
}

/// Hands what it reads to the other side of a connection, and its end too.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
