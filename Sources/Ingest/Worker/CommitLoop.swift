import ServiceLifecycle

/// Commits at the worker's interval, and once more, when the streams have ended, at a graceful shutdown.
package struct CommitLoop: Service {
    private static let longestPause: Duration = .seconds(5)

    private let worker: IngestWorker
    private let clock = ContinuousClock()

    package init(_ worker: IngestWorker) {
        self.worker = worker
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var pause = worker.commitInterval
            while !Task.isCancelled {
                do { try await clock.sleep(for: pause) } catch { return }
                do {
                    try await worker.commit()
                    pause = worker.commitInterval
                } catch {
                    if Task.isCancelled { return }
                    pause = min(max(pause * 2, .milliseconds(100)), max(worker.commitInterval, Self.longestPause))
                    worker.log(failedCommit: error, nextIn: pause)
                }
            }
        }
        try await lastCommit()
    }

    /// A commit that was under way may have been cut off: it is made again, and once more if that fails.
    private func lastCommit() async throws {
        for attempt in 1...3 {
            do {
                // A task of its own: the shutdown must not cut it off.
                return try await Task { try await worker.commit() }.value
            } catch {
                worker.log(failedCommit: error, nextIn: .milliseconds(500))
                if attempt == 3 { throw error }
                try? await clock.sleep(for: .milliseconds(500))
            }
        }
    }
}
