import Foundation
import Metering
import PostgreSQL
import UsageStore

/// Tapes, the job and the queries against a real PostgreSQL with fsync. `WAYBILL_BENCH_INSTANCES` sets the fleet,
/// `WAYBILL_BENCH_DAYS` how many days of the month are recomputed.
enum StoreBenchmarks {
    static let all = [
        Benchmark("tapes", "tapes of 10,000 instances × 60 counters committed again and again", tapes),
        Benchmark("aggregation", "one quarter hour of 10,000 instances × 60 counters into 1,000 tenants", aggregation),
        Benchmark("recompute", "a whole month of 1,000 tenants derived anew", recompute),
    ]

    private static var instances: Int { StoreFleet.scale("WAYBILL_BENCH_INSTANCES", 10_000) }

    private static let quarterHour: Int64 = 900_000_000
    /// Seconds between commits above 5,000 instances.
    private static let interval: Int64 = 30

    private static func start() -> Timestamp { Timestamp(seconds: 1_790_000_000 / 900 * 900) }

    @Sendable private static func tapes(_ stopwatch: Stopwatch) async throws {
        let fleet = try await StoreFleet(connections: 1)
        let began = start()
        var part = FleetPart(0..<instances, started: began.advanced(byMicroseconds: -60_000_000))
        part.flush(at: began)
        part.flush(at: began.advanced(byMicroseconds: 5_000_000))
        let first = try await ContinuousClock().measure { try await part.commit(to: fleet.store) }
        print("  first commit, names and sets included: \(first)")
        // The rest of a quarter hour of commits and the first of the next, with one checkpoint, as the embedded server
        // makes them: of thirty, one inserts rows and the others replace them.
        var times: [Duration] = []
        let log = try await fleet.log()
        for commit in 1...30 as ClosedRange<Int64> {
            part.flush(at: began.advanced(byMicroseconds: commit * interval * 1_000_000))
            times.append(try await ContinuousClock().measure { try await part.commit(to: fleet.store) })
            if commit == 15 {
                _ = try await fleet.store.pool.withConnection { try await $0.executeOnce("CHECKPOINT") }
            }
        }
        let written = try await fleet.log() - log
        print("  commit: median \(times.sorted()[15]), slowest \(times.max() ?? .zero)")
        let perDay = written / 30 * (86_400 / interval)
        print("  write-ahead log: \(written / 30) bytes a commit, \(perDay / 1_000_000) MB a day at \(interval) s")
        try await sizes(of: fleet, began, perDay)
        await fleet.remove()
    }

    /// Bytes of a tape with its indexes while it is written and after it is packed, and what packing writes to the log.
    private static func sizes(of fleet: StoreFleet, _ began: Timestamp, _ logPerDay: Int64) async throws {
        for statement in ["VACUUM tape", "CHECKPOINT"] {
            _ = try await fleet.store.pool.withConnection { try await $0.executeOnce(statement) }
        }
        let size = try await fleet.number(
            """
            SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits
            WHERE inhparent = 'tape'::regclass
            """)
        let rows = try await fleet.number("SELECT count(*) FROM tape")
        print("  size: \(size / rows) bytes a tape with its indexes while it is written")
        let log = try await fleet.log()
        var moved: Int64 = 0
        let time = try await ContinuousClock().measure {
            moved = try await fleet.store.packTapes(before: began.advanced(byMicroseconds: quarterHour))
        }
        let written = try await fleet.log() - log
        _ = try await fleet.store.pool.withConnection { try await $0.executeOnce("VACUUM packed_tape") }
        let packed = try await fleet.number(
            """
            SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits
            WHERE inhparent = 'packed_tape'::regclass
            """)
        print("  packing \(moved) tapes: \(time), \(written / moved) bytes of log a tape")
        print(
            "  size: \(packed / moved) bytes a packed tape with its indexes, \(packed / moved * 96) an instance and day"
        )
        print(
            "  write-ahead log with packing: \((logPerDay + written / moved * 96 * Int64(instances)) / 1_000_000) MB a day"
        )
    }

    @Sendable private static func aggregation(_ stopwatch: Stopwatch) async throws {
        let fleet = try await StoreFleet()
        let began = start()
        for first in stride(from: 0, to: instances, by: 10_000) {
            var part = FleetPart(
                first..<min(first + 10_000, instances), started: began.advanced(byMicroseconds: -60_000_000))
            for quarter in 0..<4 as Range<Int64> {
                for flush in 0..<3 as Range<Int64> {
                    part.flush(at: began.advanced(byMicroseconds: quarter * quarterHour + flush * 300_000_000))
                }
                try await part.commit(to: fleet.store)
            }
        }
        _ = try await fleet.store.pool.withConnection { try await $0.executeOnce("ANALYZE") }
        let clock = ContinuousClock()
        forgetPeak()
        for quarter in 0..<4 as Range<Int64> {
            let start = began.advanced(byMicroseconds: quarter * quarterHour)
            try await fleet.store.pool.execute(
                "DELETE FROM tape_change")
            try await fleet.store.pool.execute(
                "INSERT INTO tape_change (gateway_id, quarter_hour) SELECT gateway_id, $1 FROM gateway",
                [PostgresTimestamp(microsecondsSince1970: start.microseconds)])
            var run = AggregationRun()
            let time = try await clock.measure { run = try await fleet.store.aggregate() }
            print("  quarter hour \(quarter + 1): \(time), \(run.records) records; resident at most \(resident()) MB")
        }
        await fleet.remove()
    }

    @Sendable private static func recompute(_ stopwatch: Stopwatch) async throws {
        let fleet = try await StoreFleet()
        let began = Timestamp(seconds: 1_788_220_800)  // 2026-09-01T00:00:00Z
        let quarters = Int64(StoreFleet.scale("WAYBILL_BENCH_DAYS", 30)) * 96
        do {
            var part = FleetPart(0..<334, started: began.advanced(byMicroseconds: -60_000_000))
            for quarter in 0..<quarters {
                part.flush(at: began.advanced(byMicroseconds: quarter * quarterHour + 1_000_000))
                part.flush(at: began.advanced(byMicroseconds: quarter * quarterHour + 880_000_000))
                if quarter % 8 == 7 { try await part.commit(to: fleet.store) }
            }
        }
        try await fleet.store.pool.execute("DELETE FROM tape_change")
        _ = try await fleet.store.pool.withConnection { try await $0.executeOnce("ANALYZE") }
        let clock = ContinuousClock()
        forgetPeak()
        for label in ["first derived", "derived anew"] {
            var run = AggregationRun()
            let time = try await clock.measure {
                run = try await fleet.store.aggregate(
                    from: began, to: began.advanced(byMicroseconds: quarters * quarterHour))
            }
            print("  \(label): \(time), \(run.quarterHours) quarter hours, \(run.records) records written")
            print("  resident at most \(resident()) MB")
        }
        await fleet.remove()
    }

    /// From here on the largest resident size is the job's, on top of what the fleet left.
    private static func forgetPeak() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        print("  resident before the job: \(resident()) MB")
    }

    /// The largest resident size of this process, since it was last forgotten. Unit: megabytes.
    private static func resident() -> Int64 {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return (line?.split(separator: " ").dropLast().last).flatMap { Int64($0) }.map { $0 / 1024 } ?? 0
    }
}
