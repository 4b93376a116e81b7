import ArgumentParser
import Foundation
import Logging
import Metering
import Pricing
import Reports
import UsageStore
import WebAPI

/// `waybill key`: who may ask over HTTP, and who signs.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "API keys, and the key that invoices are signed with.",
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self, SignInit.self, SignHead.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key. It is shown once: only its hash is kept.",
            discussion: """
                Without --tenant the key is the operator's, who names a tenant in each request.
                Scopes: usage:read, invoice:read; for the operator also invoice:write, price:write, admin.
                Example: waybill key create --name grafana --tenant acme --scope usage:read
                """)

        @OptionGroup var database: DatabaseOptions

        @Option(help: "What it is for.")
        var name: String

        @Option(help: "Whose usage and invoices it shows; the operator's unless given.")
        var tenant: String?

        @Option(help: ArgumentHelp("What it allows; repeatable.", valueName: "scope"))
        var scope: [String]

        @Option(help: ArgumentHelp("When it ends, as 2027-01-01T00:00:00Z; never unless given.", valueName: "time"))
        var expires: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let scopes: [String]
            do {
                scopes = try NewAPIKey.checked(scope, forTenant: tenant != nil)
            } catch {
                throw CommandError(.usage, "--scope: \(error.message)")
            }
            let expiresAt = try expires.map { try KeyCommand.time($0, "--expires") }
            let key = try await database.withStore(logger: Logger.command) { store in
                try await NewAPIKey(name: name, tenant: tenant, scopes: scopes, expiresAt: expiresAt).store(in: store)
            }
            try KeyCommand.show(key, format)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List API keys, those that ended too.")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "Only this tenant's.")
        var tenant: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let keys = try await database.withStore(logger: Logger.command) { store in
                try await store.apiKeys(tenant: tenant, limit: 10_000)
            }
            switch format {
            case .json:
                print(try JSONEncoder.waybill.text(keys.map { Row($0) }))
            case .table:
                var table = TextTable([.left, .left, .left, .left, .left, .left, .left])
                table.add("key", "name", "tenant", "scopes", "made", "last used", "state")
                table.addRule()
                for key in keys {
                    let row = Row(key)
                    table.add(
                        APIKey.scheme + key.prefix + "…", key.name, key.tenant ?? "(operator)",
                        key.scopes.joined(separator: " "), row.createdAt, row.lastUsedAt ?? "never", row.state)
                }
                print(table.text)
            }
        }

        private struct Row: Encodable {
            let prefix: String
            let name: String
            let tenant: String?
            let scopes: [String]
            let createdAt: String
            let expiresAt: String?
            let revokedAt: String?
            let lastUsedAt: String?

            init(_ key: StoredAPIKey) {
                prefix = key.prefix
                name = key.name
                tenant = key.tenant
                scopes = key.scopes
                createdAt = key.createdAt.description
                expiresAt = key.expiresAt?.description
                revokedAt = key.revokedAt?.description
                lastUsedAt = key.lastUsedAt?.description
            }

            var state: String {
                if let revokedAt { return "revoked \(revokedAt)" }
                return expiresAt.map { "until \($0)" } ?? "valid"
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key like another, which ends after an overlap.",
            discussion: "Example: waybill key rotate 3fA9xQ2b --overlap 24h")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The first eight characters of the old key, after waybill_.")
        var prefix: String

        @Option(help: "How long both hold, as 24h or 30m; a day unless given.")
        var overlap: Interval?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let key = try await database.withStore(logger: Logger.command) { store in
                guard let old = try await store.apiKey(prefix) else {
                    throw CommandError(.failure, "there is no key \(prefix): see waybill key list")
                }
                let end = WallClock.now().advanced(
                    byMicroseconds: (overlap?.duration.components.seconds ?? 86_400) * 1_000_000)
                guard try await store.endAPIKey(prefix, at: end) else {
                    throw CommandError(.conflict, "the key \(prefix) holds no more; make a new one")
                }
                return try await NewAPIKey(
                    name: old.name, tenant: old.tenant, scopes: old.scopes, expiresAt: old.expiresAt
                ).store(in: store)
            }
            try KeyCommand.show(key, format)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a key at once.")

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The first eight characters of the key, after waybill_.")
        var prefix: String

        func run() async throws {
            let found = try await database.withStore(logger: Logger.command) { store in
                try await store.revokeAPIKey(prefix)
            }
            guard found else { throw CommandError(.failure, "there is no key \(prefix): see waybill key list") }
            Console.write("revoked")
        }
    }

    private struct Made: Encodable {
        let prefix: String
        let key: String
    }

    private static func show(_ key: APIKey, _ format: OutputFormat) throws {
        switch format {
        case .json: print(try JSONEncoder.waybill.text(Made(prefix: key.prefix, key: key.text)))
        case .table:
            print(key.text)
            Console.write("shown once: keep it now. Send it as  Authorization: Bearer \(APIKey.scheme)…")
        }
    }

    private static func time(_ text: String, _ flag: String) throws -> Timestamp {
        do {
            return Timestamp(microseconds: try RFC3339.microseconds(text))
        } catch {
            throw CommandError(.usage, "\(flag) \(text): \(error.message)")
        }
    }
}
