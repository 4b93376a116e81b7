import Logging
import Metering
import ServiceLifecycle
import UsageStore

/// Runs the aggregation at an interval, and once more at a graceful shutdown, when the last readings are committed.
struct AggregateLoop: Service {
    let store: UsageStore
    let interval: Duration
    let retention: Retention
    let logger: Logger

    /// Time between two looks after partitions and retention.
    private static let upkeep: Duration = .seconds(3600)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var upkeep: ContinuousClock.Instant?
            while !Task.isCancelled {
                await aggregate()
                if upkeep.map({ ContinuousClock.now - $0 > Self.upkeep }) ?? true {
                    upkeep = ContinuousClock.now
                    await lookAfterPartitions()
                }
                try? await Task.sleep(for: interval)
            }
        }
        await Task { await aggregate() }.value
    }

    /// A run that fails is said, and made again: the queue holds what is left.
    private func aggregate() async {
        do {
            let run = try await store.aggregate()
            for note in run.notes { logger.warning("\(note)") }
            for failure in run.failures { logger.error("a quarter hour could not be derived: \(failure)") }
        } catch {
            if Task.isCancelled { return }
            logger.error("the aggregation failed; it is made again", metadata: ["error": "\(error)"])
        }
    }

    /// Unit: microseconds.
    private static let day: Int64 = 86_400_000_000

    private func lookAfterPartitions() async {
        do {
            try await store.renewZones()
            let run = try await store.lookAfterPartitions(retention)
            for note in run.notes { logger.notice("\(note)") }
            // No sender sends an export again after a day, and no client a request after a month.
            try await store.forgetExports(before: WallClock.now().advanced(byMicroseconds: -Self.day))
            try await store.forgetIdempotencyKeys(olderThanDays: 30)
        } catch {
            if Task.isCancelled { return }
            logger.error("partitions could not be looked after; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}
