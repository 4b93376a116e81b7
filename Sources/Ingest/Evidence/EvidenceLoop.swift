package import Logging
package import Metering
internal import ServiceLifecycle
package import UsageStore

/// Stores evidence at an interval, and once more when the receivers have ended. What can not be stored is kept, and tried
/// again.
package struct EvidenceLoop: Service {
    private let book: EvidenceBook
    private let store: UsageStore
    private let interval: Duration
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    package init(
        book: EvidenceBook, store: UsageStore, interval: Duration, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.book = book
        self.store = store
        self.interval = interval
        self.logger = logger
        self.now = now
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if !Task.isCancelled { await save() }
            }
        }
        await Task { await save() }.value
    }

    private func save() async {
        let changes = book.changed()
        guard !changes.isEmpty else { return }
        do {
            try await store.store(evidence: changes.rows)
            try await store.store(evidenceSeconds: changes.seconds)
            book.hasStored(changes, at: now())
        } catch {
            logger.error("evidence could not be stored; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}
