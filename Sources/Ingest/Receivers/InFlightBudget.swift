import Synchronization

/// How many bytes of received messages a worker holds at once, over all its streams.
///
/// Envoy sends a flush whether or not the last one was read, and buffers without limit: a worker that falls behind must
/// refuse rather than grow. Cumulative counters recover at the next flush.
package final class InFlightBudget: Sendable {
    /// What is held when nothing else is said: 256 MiB.
    package static let defaultLimit = 256 << 20

    package let limit: Int
    private let held = Mutex(0)

    /// - Parameter limit: bytes; a message larger than this is never admitted.
    package init(limit: Int = InFlightBudget.defaultLimit) {
        self.limit = limit
    }

    /// Bytes that are held now.
    package var inFlight: Int { held.withLock { $0 } }

    /// Runs `body` while `bytes` are held; returns nil, and does not run it, if they would exceed the limit.
    package func admit<Result>(_ bytes: Int, _ body: () async throws -> Result) async rethrows -> Result? {
        guard reserve(bytes) else { return nil }
        defer { held.withLock { $0 -= bytes } }
        return try await body()
    }

    private func reserve(_ bytes: Int) -> Bool {
        held.withLock { held in
            guard bytes <= limit - held else { return false }
            held += bytes
            return true
        }
    }
}
