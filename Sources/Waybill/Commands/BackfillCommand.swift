import ArgumentParser
import Foundation
import Logging
import Metering
import UsageStore

/// `waybill backfill`: usage from elsewhere, as named batches that are applied and reverted as a whole.
struct BackfillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill", abstract: "Correct usage by named batches: propose, apply, revert.",
        discussion: """
            A batch lies in a table of its own and is laid over what the tapes say; nothing of it goes into tapes.
            Example: waybill backfill propose lost-hour.csv --name lost-hour --reason "sink was down"
                     waybill backfill apply lost-hour
                     waybill backfill revert lost-hour
            """,
        subcommands: [Propose.self, Apply.self, Revert.self, List.self, Show.self])

    /// `waybill backfill propose`: stores a batch and shows what it would make of the records.
    struct Propose: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "propose", abstract: "Store a batch and show what it would change; nothing changes yet.",
            discussion: """
                FILE is CSV with the columns tenant,gateway,service,quarter_hour,dimension,quantity:
                  acme,edge,gateway,2026-11-03T12:15:00Z,requests,1200
                A quantity may be negative, as far as the record stays at 0 or above. A wrong row is named with its line
                and field, and nothing is taken.

                --from-evidence takes what access logs show inside gaps (waybill gaps) and no batch bills yet.
                Examples:
                  waybill backfill propose lost-hour.csv --name lost-hour --reason "sink was down"
                  waybill backfill propose --from-evidence --gateway edge --from 2026-11-03T12:00:00Z \
                    --to 2026-11-03T13:00:00Z --name killed-pod
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var asker: OperatorOptions

        @Argument(help: ArgumentHelp("A CSV file.", valueName: "file"))
        var file: String?

        @Flag(help: "Take what access logs show inside gaps.")
        var fromEvidence = false

        @Option(help: ArgumentHelp("Of evidence: one gateway; all unless given.", valueName: "name"))
        var gateway: String?

        @Option(help: ArgumentHelp("Of evidence: from this quarter hour on.", valueName: "instant"))
        var from: InstantOption?

        @Option(help: ArgumentHelp("Up to this one, which is not included.", valueName: "instant"))
        var to: InstantOption?

        @Option(help: ArgumentHelp("What the batch is called; the file's name unless given.", valueName: "name"))
        var name: String?

        @Option(help: ArgumentHelp("Why; it is kept with the batch.", valueName: "text"))
        var reason: String?

        @Flag(help: "Make tenants and gateways that are not known.")
        var allowNew = false

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let proposal = try proposal()
            let name = try batchName
            let shown = try await database.withStore(logger: Logger.command) { store in
                try await refusing {
                    let rows = try await proposal.rows(store)
                    _ = try await store.propose(
                        name, rows: rows, source: proposal.source, kind: proposal.kind, reason: reason, by: asker.name,
                        file: proposal.source, allowsNew: allowNew)
                    return try await store.correction(name)
                }
            }
            try BackfillView(shown.batch, shown.differences).print(format)
            Console.write("Nothing is changed yet: waybill backfill apply \(name)")
        }

        /// What a batch is to be made of.
        private struct Proposal {
            var source: String
            var kind: CorrectionBatch.Kind
            var rows: @Sendable (UsageStore) async throws -> [BackfillRow]
        }

        private func proposal() throws -> Proposal {
            switch (file, fromEvidence) {
            case (let file?, false):
                guard gateway == nil, from == nil, to == nil else {
                    throw CommandError(
                        .usage, "--gateway, --from and --to go with --from-evidence: a file says it itself")
                }
                return try Self.proposal(ofFile: file)
            case (nil, true): return try evidence()
            case (nil, false): throw CommandError(.usage, "name a CSV file, or give --from-evidence")
            case (_?, true): throw CommandError(.usage, "a batch comes from a file or from evidence, not from both")
            }
        }

        private static func proposal(ofFile file: String) throws -> Proposal {
            guard let bytes = FileManager.default.contents(atPath: file) else {
                throw CommandError(.usage, "\(file): the file can not be read")
            }
            do {
                let rows = try BackfillFile.read([UInt8](bytes), file: file, now: WallClock.now())
                return Proposal(source: file, kind: .file) { _ in rows }
            } catch {
                throw CommandError(.failure, error.description)
            }
        }

        private func evidence() throws -> Proposal {
            guard let from = from?.instant, let to = to?.instant, from < to else {
                throw CommandError(.usage, "--from-evidence needs --from and --to, which has to be later")
            }
            let gateway = gateway
            return Proposal(source: "evidence of access logs, \(from) to \(to)", kind: .evidence) { store in
                // Evidence that came since the gaps were derived is taken along.
                try await store.aggregate()
                let rows = try await store.unbilledEvidence(gateway: gateway, from: from, to: to)
                guard !rows.isEmpty else {
                    throw CommandError(
                        .failure,
                        "from \(from) to \(to) access logs show nothing inside a gap that is not billed; waybill gaps "
                            + "and waybill check evidence show what there is")
                }
                return rows
            }
        }

        private var batchName: String {
            get throws {
                guard
                    let name = self.name
                        ?? file.map({ URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent })
                else { throw CommandError(.usage, "--name is missing: what is the batch to be called?") }
                let isText = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                guard (1...128).contains(name.utf8.count), isText else {
                    throw CommandError(.usage, "--name \(name): a name of 1 to 128 bytes belongs there")
                }
                return name
            }
        }
    }

    /// `waybill backfill apply`: puts a batch in force, and aggregates what it touches.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply", abstract: "Put a batch in force, as a whole.",
            discussion: "Example: waybill backfill apply lost-hour")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var asker: OperatorOptions

        @Argument(help: "The batch.")
        var name: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            try await change(name, database, format) { store in
                try await store.apply(correction: name, by: asker.name)
            }
        }
    }

    /// `waybill backfill revert`: takes a batch out of force, and aggregates what it touched.
    struct Revert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revert", abstract: "Take a batch out of force, as a whole.",
            discussion: """
                It stays in the list with who applied and who reverted it. A batch is not applied a second time: propose
                it anew under another name.
                Example: waybill backfill revert lost-hour
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var asker: OperatorOptions

        @Argument(help: "The batch.")
        var name: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            try await change(name, database, format) { store in
                try await store.revert(correction: name, by: asker.name)
            }
        }
    }

    /// `waybill backfill list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List all batches, with who proposed, applied and reverted them.",
            discussion: "Example: waybill backfill list --format json")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let batches = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await store.corrections()
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(batches))
            case .table: print(BackfillView.table(batches))
            }
        }
    }

    /// `waybill backfill show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what a batch makes of the records.",
            discussion: "Example: waybill backfill show lost-hour")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The batch.")
        var name: String

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let shown = try await database.withStore(connections: 1, logger: Logger.command) { store in
                try await refusing { try await store.correction(name) }
            }
            try BackfillView(shown.batch, shown.differences).print(format)
        }
    }
}

/// Changes a batch, has the job take what it touched, and shows it.
private func change(
    _ name: String, _ database: DatabaseOptions, _ format: OutputFormat,
    _ body: @Sendable @escaping (UsageStore) async throws -> Void
) async throws {
    let (shown, failures) = try await database.withStore(logger: Logger.command) { store in
        try await refusing {
            try await body(store)
            let run = try await store.aggregate()
            return (try await store.correction(name), run.failures)
        }
    }
    try BackfillView(shown.batch, shown.differences).print(format)
    guard failures.isEmpty else {
        throw CommandError(
            .failure,
            "\(failures.count) quarter hours could not be derived and stay in the queue:\n"
                + failures.joined(separator: "\n"))
    }
}

/// A refusal as an error with its exit code.
private func refusing<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
        return try await body()
    } catch let error as CorrectionRefusal {
        throw CommandError(error.code == .conflict ? .conflict : .failure, error.message)
    }
}
