import NIOCore
import NIOPosix

/// Whether any of these loopback ports accepts a connection.
func anyAccepts(_ ports: [Int]) async -> Bool {
    for port in ports {
        let connection = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(2))
            .connect(host: "127.0.0.1", port: port)
            .get()
        if let connection {
            try? await connection.close()
            return true
        }
    }
    return false
}
