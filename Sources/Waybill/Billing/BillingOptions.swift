import ArgumentParser
import Billing
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore

/// On whose behalf a command changes something, and what time it is.
struct ActorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Who does it, for the audit log; the operating system's user unless given.", valueName: "name"))
    var by: String?

    @Option(
        help: ArgumentHelp(
            "The time to take for now, as 2026-12-02T00:00:00Z: for reports and rehearsals.", valueName: "time"))
    var asOf: String?

    var actor: String { by ?? NSUserName() }

    func now() throws -> Timestamp {
        guard let asOf else { return WallClock.now() }
        guard let time = Timestamp(asOf) else {
            throw CommandError(.usage, "--as-of \(asOf): write an instant as 2026-12-02T00:00:00Z")
        }
        return time
    }
}

extension DatabaseOptions {
    /// As ``withStore(connections:logger:_:)``, for what billing keeps.
    func withBilling<Result: Sendable>(
        connections: Int = 4, _ body: (BillingStore) async throws -> Result
    ) async throws -> Result {
        try await withStore(connections: connections, logger: Logger.command) { store in
            try await body(BillingStore(store))
        }
    }
}

/// A key file, or the one that is there by default.
struct SigningKeyFile {
    /// `WAYBILL_SIGN_KEY`, else `~/.config/waybill/sign.key`.
    static var standardPath: String {
        ProcessInfo.processInfo.environment["WAYBILL_SIGN_KEY"] ?? NSHomeDirectory() + "/.config/waybill/sign.key"
    }

    /// The key at a path; nil where none is named and none is there by default.
    static func read(_ path: String?) throws -> SigningKey? {
        let file = path ?? standardPath
        guard let bytes = FileManager.default.contents(atPath: file) else {
            guard path == nil else { throw CommandError(.failure, "\(file): the key can not be read") }
            return nil
        }
        return try SigningKey(String(decoding: bytes, as: UTF8.self), file: file)
    }
}

extension BillingError {
    /// What can not be stored was asked for wrongly: 2. What contradicts what is stored: 5.
    var asCommandError: CommandError {
        CommandError(code.isConflict ? .conflict : code == .invalid ? .usage : .failure, message)
    }
}

/// Money of a stored amount, for tables.
func moneyText(_ minorUnits: Int128, _ currency: String) -> String {
    guard let currency = try? Currency(currency) else { return "\(minorUnits) \(currency)" }
    return Money(minorUnits: minorUnits, currency: currency).description
}
