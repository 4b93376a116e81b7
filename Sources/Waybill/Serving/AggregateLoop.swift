import Logging
import ServiceLifecycle
import UsageStore

/// Runs the aggregation at an interval, and once more at a graceful shutdown, when the last readings are committed.
struct AggregateLoop: Service {
    let store: UsageStore
    let interval: Duration
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await aggregate()
                try? await Task.sleep(for: interval)
            }
        }
        await Task { await aggregate() }.value
    }

    /// A run that fails is said, and made again: the queue holds what is left.
    private func aggregate() async {
        do {
            let run = try await store.aggregate()
            for failure in run.failures { logger.error("a quarter hour could not be derived: \(failure)") }
        } catch {
            if Task.isCancelled { return }
            logger.error("the aggregation failed; it is made again", metadata: ["error": "\(error)"])
        }
    }
}
