import NIOCore
import NIOPosix
import Synchronization

/// A statsd receiver that never dies: adds up each tenant's requests as an Envoy put them on the wire, in all its lives.
///
/// Envoy takes one snapshot a flush for all its sinks, so that what comes here is what each of them sent.
final class WireWitness: Sendable {
    static let prefix = "witness"

    let port: Int
    private let channel: any Channel
    private let counts: Counts

    private final class Counts: Sendable {
        let byTenant = Mutex<[String: Int]>([:])
    }

    private init(_ channel: any Channel, _ counts: Counts) {
        self.channel = channel
        self.counts = counts
        port = channel.localAddress?.port ?? 0
    }

    static func run<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (WireWitness) async throws -> Result
    ) async throws -> Result {
        let counts = Counts()
        let channel = try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Lines(counts))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let witness = WireWitness(channel, counts)
        do {
            let result = try await body(witness)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// Requests that reached the wire, by tenant.
    var requests: [String: Int] { counts.byTenant.withLock { $0 } }

    private final class Lines: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let counts: Counts

        init(_ counts: Counts) { self.counts = counts }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data).data)
            for line in text.split(separator: "\n") {
                // witness.http.tenant_acme.downstream_rq_completed:17|c
                let parts = line.split(separator: ".")
                guard parts.count == 4, parts[1] == "http", parts[2].hasPrefix("tenant_"),
                    parts[3].hasPrefix("downstream_rq_completed:"), parts[3].hasSuffix("|c"),
                    let delta = Int(parts[3].dropFirst("downstream_rq_completed:".count).dropLast(2)), delta > 0
                else { continue }
                let tenant = String(parts[2].dropFirst("tenant_".count))
                counts.byTenant.withLock { $0[tenant, default: 0] += delta }
            }
        }
    }
}
