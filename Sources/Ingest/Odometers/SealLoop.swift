package import Logging
package import Metering
internal import ServiceLifecycle

/// Seals a worker's odometers each second, and once more when the receivers have ended.
///
/// A full disk does not stop the counting: what came is held in memory and committed as ever, and each second it is tried
/// again. It is said loudly, for a crash would now cost more than a second. A failed fsync ends the process.
package struct SealLoop: Service {
    private let book: OdometerBook
    private let spool: SpoolHolder
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// The one task that seals is this loop's.
    private final class SpoolHolder: @unchecked Sendable {
        let spool: Spool
        init(_ spool: Spool) { self.spool = spool }
    }

    package init(
        book: OdometerBook, spool: sending Spool, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.book = book
        self.spool = SpoolHolder(spool)
        self.logger = logger
        self.now = now
    }

    package func run() async throws {
        var failures = 0
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: .seconds(1)) }
            failures = try seal(after: failures)
        }
        book.end()
        _ = try seal(after: 0)
        spool.spool.close()
    }

    /// Returns how often in a row it has failed.
    private func seal(after failures: Int) throws -> Int {
        do {
            try spool.spool.seal(book.unsealed, all: book.all, at: now())
            if failures > 0 { logger.notice("the spool is written again: a crash costs at most a second") }
            return 0
        } catch let error where error.code == .syncFailed {
            logger.critical(
                "the spool can not be brought to the disk: the worker ends, for nothing it wrote there can be believed",
                metadata: ["error": "\(error)"])
            throw error
        } catch {
            if failures % 10 == 0 {
                logger.critical(
                    "the spool is not written: a crash would cost all that was not committed; make room on its disk",
                    metadata: ["error": "\(error)", "seconds": "\(failures + 1)"])
            }
            return failures + 1
        }
    }
}
