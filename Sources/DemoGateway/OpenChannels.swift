import NIOCore
import Synchronization

/// The open connections of a server, so that it can close them.
final class OpenChannels: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    /// Remembers a channel until it closes.
    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        channels.withLock { $0[id] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.channels.withLock { $0[id] = nil }
        }
    }

    var all: [any Channel] { channels.withLock { Array($0.values) } }

    func closeAll() async {
        for channel in all { try? await channel.close() }
    }
}
