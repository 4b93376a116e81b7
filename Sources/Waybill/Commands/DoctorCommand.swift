import ArgumentParser
import Foundation
import Logging
import UsageStore

/// `waybill doctor`: what is wrong in the running system.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tell what is wrong in the running system, each with its remedy.",
        discussion: """
            Looks at the last day: instances that stopped reporting, counters that nothing binds or that are claimed
            twice, two Envoys under one name, clocks, jobs that failed and the queue. Ends with 1 when something is wrong.
            Example: waybill doctor --format json
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() async throws {
        let found = try await database.withStore(connections: 1, logger: Logger.command) { store in
            try await store.diagnose(machineTime: WallClock.now())
        }
        switch format {
        case .json: print(try JSONEncoder.waybill.text(found))
        case .table: print(Self.text(found))
        }
        guard found.contains(where: { $0.severity == .wrong }) else { return }
        throw ExitCode(1)
    }

    private static func text(_ found: [Diagnosis]) -> String {
        guard !found.isEmpty else { return "Nothing is wrong." }
        return found.map { diagnosis in
            "\(diagnosis.severity == .wrong ? "wrong" : "note "), \(diagnosis.subject): \(diagnosis.found)\n"
                + "       → \(diagnosis.remedy)"
        }
        .joined(separator: "\n")
    }
}
