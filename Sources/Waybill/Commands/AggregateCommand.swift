import ArgumentParser
import Foundation
import Logging
import Metering
import Pricing
import UsageStore

/// `waybill aggregate`: the scheduled job, once for cron or a Kubernetes CronJob, as a loop, or over a range.
struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate", abstract: "Derive consumption records and roll-ups from the tapes that changed.",
        discussion: """
            Works from what changed, not from the clock: it may run twice at once, or be missed for days.
            Without --once it goes on, one run each interval, until it is stopped. Partitions are made ahead, and what
            is past retention is dropped, by every run.

            With --from and --to a range of quarter hours is derived anew, and its roll-ups made anew.

            Ends with 3 when the last closed month (UTC) was observed by less than the configured share.

            Examples:
              waybill aggregate --once
              waybill aggregate --from 2026-11-03T00:00:00Z --to 2026-11-04T00:00:00Z --reason "bind rule mended"
            """)

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Run once and end.")
    var once = false

    @Option(help: ArgumentHelp("Derive anew from this quarter hour on.", valueName: "instant"))
    var from: InstantOption?

    @Option(help: ArgumentHelp("Up to this one, which is not included.", valueName: "instant"))
    var to: InstantOption?

    @Option(help: ArgumentHelp("Why a range is derived anew; kept with the run.", valueName: "text"))
    var reason: String?

    @Option(help: "Time between two runs.")
    var aggregateInterval: Interval?

    @Option(
        help: ArgumentHelp(
            "The share of a closed month that has to be observed, in percent (99.00).", valueName: "percent"))
    var coverageThreshold: CoverageThreshold?

    @Option(help: ArgumentHelp("A meters file to put in force first; repeatable.", valueName: "file"))
    var meters: [String] = []

    func run() async throws {
        let range = try range()
        let texts = meters.isEmpty ? nil : try MetersFiles.read(meters)
        let settings = try SettingsFile.read(database.config)
        let interval =
            try aggregateInterval
            ?? Interval.setting(settings.aggregateInterval, "aggregate_interval", default: "60s")
        let threshold = try coverageThreshold ?? CoverageThreshold.setting(settings.coverageThreshold)
        try await database.withStore(logger: Logger.command) { store in
            if let texts { try await store.putInForce(meters: texts, now: WallClock.now()) }
            while true {
                let run = try await self.run(range, on: store)
                for note in run.notes { Console.error(note) }
                print(Self.text(run, of: range))
                if !run.failures.isEmpty {
                    throw CommandError(
                        .failure,
                        "\(run.failures.count) quarter hours could not be derived and stay in the queue:\n"
                            + run.failures.joined(separator: "\n"))
                }
                if range == nil {
                    let kept = try await store.lookAfterPartitions(settings.retention)
                    for note in kept.notes { Console.error(note) }
                }
                if once || range != nil { break }
                try await Task.sleep(for: interval.duration)
            }
            if range == nil { try await Self.checkCoverage(threshold, on: store) }
        }
    }

    private func range() throws -> Range<Timestamp>? {
        switch (from, to) {
        case (nil, nil): return nil
        case (let from?, let to?) where from.instant < to.instant: return from.instant..<to.instant
        case (let from?, let to?):
            throw CommandError(.usage, "--from \(from) is not before --to \(to)")
        default: throw CommandError(.usage, "--from and --to belong together: give both")
        }
    }

    private func run(_ range: Range<Timestamp>?, on store: UsageStore) async throws -> AggregationRun {
        let started = ContinuousClock.now
        let progress: @Sendable (Int64, Int64) -> Void = { done, waiting in
            Console.progress("aggregating: \(done) quarter hours done, \(waiting) in this batch")
        }
        defer { Console.clearProgress() }
        do {
            guard let range else { return try await store.aggregate(progress: progress) }
            return try await store.aggregate(
                from: range.lowerBound, to: range.upperBound, reason: reason ?? "range", progress: progress)
        } catch let error as UsageStoreError where error.code == .conservation {
            throw CommandError(.verification, error.message)
        } catch let error as UsageStoreError where error.code == .invalidRange || error.code == .dropped {
            throw CommandError(.usage, error.message)
        } catch is CancellationError {
            throw CommandError(.failure, "stopped after \(ContinuousClock.now - started); what was done is done")
        }
    }

    private static func text(_ run: AggregationRun, of range: Range<Timestamp>?) -> String {
        var text = "aggregated \(run.quarterHours) quarter hours"
        if let range, run.quarterHours == 0 {
            text += ": nothing is stored from \(range.lowerBound) to \(range.upperBound)"
        }
        if run.quarterHours > 0 { text += ": \(run.changes) changes, \(run.records) records written" }
        if let since = run.lagSince { text += ", the oldest change of \(since)" }
        return text
    }

    /// The last month that has ended must have been observed well enough to be billed.
    static func checkCoverage(_ threshold: CoverageThreshold, on store: UsageStore) async throws {
        let now = WallClock.now().microseconds
        let month: BillingPeriod
        do {
            month = try BillingPeriod(containing: now, zone: try BillingZone("UTC")).previous()
        } catch {
            throw CommandError(.failure, error.message)
        }
        let below = try await store.coverage(from: month.startTime, to: month.endTime)
            .filter { $0.coverage.isBelow(hundredthsOfPercent: threshold.hundredths) }
        guard !below.isEmpty else { return }
        let gateways = below.prefix(20).map { "  \($0.gateway): \($0.coverage.percent) %" }
        throw CommandError(
            .incomplete,
            "\(month.start.prefix(7)) was observed by less than \(threshold) % at \(below.count) gateways; see "
                + "waybill usage for the gaps:\n" + gateways.joined(separator: "\n"))
    }
}
