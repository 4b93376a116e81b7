internal import Synchronization

/// How many streams each address holds open.
final class PeerStreams: Sendable {
    let limit: Int
    private let open = Mutex<[String: Int]>([:])

    init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// False where the address holds as many as it may. To be followed by `end` where it is true.
    func begin(_ peer: String) -> Bool {
        open.withLock { open in
            let address = Self.address(peer)
            guard open[address, default: 0] < limit else { return false }
            open[address, default: 0] += 1
            return true
        }
    }

    func end(_ peer: String) {
        open.withLock { open in
            let address = Self.address(peer)
            let left = open[address, default: 1] - 1
            open[address] = left > 0 ? left : nil
        }
    }

    private static func address(_ peer: String) -> String {
        PeerAddress(grpcPeer: peer)?.description ?? peer
    }
}
