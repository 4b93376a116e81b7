import NIOCore
import NIOPosix
import Synchronization

/// Finds loopback TCP ports that nobody listens on.
package enum FreePorts {
    /// Below the range that Linux takes for outgoing connections (32768 on), so that none takes a port found here
    /// before it is listened on.
    static let range = 15_000..<32_000

    /// The ports given to this process before. None is given twice: who has it may not listen on it yet.
    private static let given = Mutex<Set<Int>>([])

    /// `count` different ports, free at the same time.
    package static func find(_ count: Int) async throws -> [Int] {
        let candidates = (0..<100 + 10 * count).lazy.map { _ in Int.random(in: range) }
        return try await find(count, among: candidates.filter { port in given.withLock { $0.insert(port).inserted } })
    }

    static func find(_ count: Int, among candidates: some Sequence<Int>) async throws -> [Int] {
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        var listeners: [any Channel] = []
        for port in candidates where listeners.count < count {
            if let listener = try? await bootstrap.bind(host: "127.0.0.1", port: port).get() {
                listeners.append(listener)
            }
        }
        let ports = listeners.compactMap(\.localAddress?.port)
        for listener in listeners { try? await listener.close() }
        guard ports.count == count else {
            throw DemoGatewayError(
                .noFreePort,
                "found \(ports.count) of \(count) free ports on 127.0.0.1 in \(range.lowerBound)–\(range.upperBound - 1)"
            )
        }
        return ports
    }
}
