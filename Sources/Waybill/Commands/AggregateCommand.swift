import ArgumentParser
import Logging
import UsageStore

/// `waybill aggregate --once`: the scheduled job, for cron or a Kubernetes CronJob.
struct AggregateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregate", abstract: "Derive consumption records from the tapes that changed.",
        discussion: """
            Works from what changed, not from the clock: it may run twice at once, or be missed for days.
            Without --once it goes on, one run each interval, until it is stopped.
            """)

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Run once and end.")
    var once = false

    @Option(help: "Time between two runs.")
    var aggregateInterval: Interval?

    @Option(help: ArgumentHelp("A meters file to put in force first; repeatable.", valueName: "file"))
    var meters: [String] = []

    func run() async throws {
        let texts = meters.isEmpty ? nil : try MetersFiles.read(meters)
        let settings = try SettingsFile.read(database.config)
        let interval =
            try aggregateInterval
            ?? Interval.setting(settings.aggregateInterval, "aggregate_interval", default: "60s")
        try await database.withStore(logger: Logger.command) { store in
            if let texts { try await store.putInForce(meters: texts, now: WallClock.now()) }
            repeat {
                let run = try await store.aggregate { done, waiting in
                    Console.progress("aggregating: \(done) quarter hours done, \(waiting) in this batch")
                }
                Console.clearProgress()
                print("aggregated \(run.quarterHours) quarter hours")
                if !run.failures.isEmpty {
                    throw CommandError(
                        .failure,
                        "\(run.failures.count) quarter hours could not be derived and stay in the queue:\n"
                            + run.failures.joined(separator: "\n"))
                }
                if !once { try await Task.sleep(for: interval.duration) }
            } while !once
        }
    }
}
