import Synchronization
import UsageStore

/// Keys that were found to hold a moment ago, so that a busy client is not looked up for each of its requests.
///
/// A key that was revoked or expired is let in for ``lifetime`` longer at most; one that this server revoked, not at all.
package final class RecentKeys: Sendable {
    static let lifetime: Duration = .seconds(1)
    /// Keys remembered; above it all are forgotten.
    private static let most = 10_000

    private struct Entry {
        let key: UsedAPIKey
        let until: ContinuousClock.Instant
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        /// Raised by each revocation: a look-up that began before one is not remembered.
        var revocations = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter digest: the SHA-256 of the key.
    func key(_ digest: [UInt8], now: ContinuousClock.Instant = .now, look: () async throws -> UsedAPIKey?)
        async throws -> UsedAPIKey?
    {
        let (known, revocations) = state.withLock { ($0.entries[digest], $0.revocations) }
        if let known, now < known.until { return known.key }
        let found = try await look()
        state.withLock { state in
            guard let found, state.revocations == revocations else {
                state.entries[digest] = nil
                return
            }
            if state.entries.count >= Self.most { state.entries = [:] }
            state.entries[digest] = Entry(key: found, until: now + Self.lifetime)
        }
        return found
    }

    /// After a revocation.
    func forgetAll() {
        state.withLock { state in
            state.entries = [:]
            state.revocations += 1
        }
    }
}
