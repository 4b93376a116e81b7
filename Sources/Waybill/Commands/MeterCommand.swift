import ArgumentParser
import Foundation
import Logging
import Metering
import UsageStore

/// `waybill meter`: the meters files in force, by versions.
struct MeterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meter", abstract: "Load and show collect and bind rules, by versions.",
        subcommands: [Apply.self, List.self, Show.self])

    /// `waybill meter apply`: loads meters files as a version, after it has shown what they change.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply", abstract: "Load meters files as a version that is valid from a quarter hour on.",
            discussion: """
                Shows first which counters move from whom to whom, how many requests of which tenants, and which quarter
                hours. Those that are past are aggregated again; the reason is kept with the version. A counter that two
                bill rules claim is refused with both places.
                Example: waybill meter apply meters.yaml --from 2026-11-01T00:00:00Z --reason "acme has a new name"
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var asker: OperatorOptions

        @Argument(help: ArgumentHelp("Meters files, in order.", valueName: "file"))
        var files: [String]

        @Option(help: ArgumentHelp("The first quarter hour; the current one unless given.", valueName: "time"))
        var from: String?

        @Option(help: ArgumentHelp("Why; needed where past quarter hours change.", valueName: "text"))
        var reason: String?

        @Flag(help: "Apply without asking.")
        var yes = false

        @Flag(help: "Show what would change, and change nothing.")
        var dryRun = false

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let texts = try MetersFiles.read(files)
            let meters = try MetersFiles.meters(texts, paths: files)
            let from = try from.map { try Self.quarterHour($0) }
            let now = QuarterHour(containing: WallClock.now())
            if let from, from < now, reason == nil, !dryRun {
                throw CommandError(
                    .usage, "--from \(from) lies in the past: --reason says why past quarter hours are aggregated again"
                )
            }
            let waiting = try await database.withStore(logger: Logger.command) { store -> Int64? in
                do {
                    let isFirst = try await store.meterVersionRecords().isEmpty
                    let start = from ?? (isFirst ? QuarterHour(containing: Timestamp(microseconds: 0)) : now)
                    let preview = try await store.preview(meters, from: start) { done, all in
                        Console.progress("reading: \(done) of \(all) quarter hours")
                    }
                    Console.clearProgress()
                    try MeterPreviewView(preview).print(format)
                    if dryRun { return nil }
                    guard try yes || Confirmation.ask("Apply it?", flag: "--yes") else { return nil }
                    return try await store.apply(
                        meters: texts, names: files, from: from, by: asker.name, reason: reason, now: WallClock.now())
                } catch let error as MeterConflict {
                    throw CommandError(.conflict, error.description)
                }
            }
            guard let version = waiting else { return Console.write("Nothing is changed.") }
            Console.write(
                "Version \(version) is in force from then on. waybill aggregate --once, or a running server, derives "
                    + "what it changes.")
        }

        private static func quarterHour(_ text: String) throws -> QuarterHour {
            guard let time = Timestamp(text) else {
                throw CommandError(.usage, "--from \(text): write a time in UTC, as 2026-11-03T12:15:00Z")
            }
            guard let quarterHour = QuarterHour(start: time) else {
                throw CommandError(
                    .usage,
                    "--from \(text) is not the start of a quarter hour; that would be \(QuarterHour(containing: time))")
            }
            return quarterHour
        }
    }

    /// `waybill meter list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the versions, with who applied them, when and why.",
            discussion: "Example: waybill meter list")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let versions = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await store.meterVersionRecords()
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(versions))
            case .table: print(MeterPreviewView.table(versions))
            }
        }
    }

    /// `waybill meter show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show the files of a version.",
            discussion: "Example: waybill meter show 3 > meters.yaml")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The version; the one in force unless given.")
        var version: Int64?

        func run() async throws {
            let versions = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await store.meterVersionRecords()
            }
            guard let found = versions.first(where: { version == nil ? $0.inForce : $0.version == version }) else {
                throw CommandError(
                    .failure, "there is no version \(version.map(String.init) ?? "in force"); see waybill meter list")
            }
            Console.write(
                "Version \(found.version), valid from \(found.validFrom), applied \(found.appliedAt) by \(found.appliedBy)"
                    + (found.reason.map { ": \($0)" } ?? ""))
            print(found.meters.joined(separator: "\n---\n"), terminator: "")
        }
    }
}
