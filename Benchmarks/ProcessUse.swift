import Foundation
import Glibc

/// What this process has used. Its children are not counted: clients and the database are processes of their own.
struct ProcessUse {
    /// User and system. Unit: microseconds.
    let processor: Int64
    let time: ContinuousClock.Instant

    static func now() -> ProcessUse {
        var usage = rusage()
        getrusage(Int32(truncatingIfNeeded: RUSAGE_SELF.rawValue), &usage)
        let user = Int64(usage.ru_utime.tv_sec) * 1_000_000 + Int64(usage.ru_utime.tv_usec)
        let system = Int64(usage.ru_stime.tv_sec) * 1_000_000 + Int64(usage.ru_stime.tv_usec)
        return ProcessUse(processor: user + system, time: .now)
    }

    /// Wall time since then. Unit: microseconds.
    func elapsed(since earlier: ProcessUse) -> Int64 {
        let passed = (time - earlier.time).components
        return passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
    }

    /// Of one core. Unit: percent.
    func share(since earlier: ProcessUse) -> Int64 {
        (processor - earlier.processor) * 100 / max(1, elapsed(since: earlier))
    }

    /// The most memory that the process ever held. Unit: MB.
    static var peakMegabytes: Int64 {
        var usage = rusage()
        getrusage(Int32(truncatingIfNeeded: RUSAGE_SELF.rawValue), &usage)
        return Int64(usage.ru_maxrss) * 1024 / 1_000_000
    }
}
