import ArgumentParser
import Logging

/// `waybill migrate`: brings the schema up to date and nothing else.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database's schema up to date.",
        discussion: "Every command does this by itself; run it alone before an upgrade of several workers.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withStore(connections: 1, logger: Logger.command) { _ in }
        print("The schema is up to date.")
    }
}
