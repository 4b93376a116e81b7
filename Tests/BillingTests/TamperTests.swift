import FoundationEssentials
import Metering
import PostgreSQL
import Testing
import UsageStore

@testable import Billing

/// Someone with a superuser's hands changes one stored value: verify names it.
@Suite struct TamperTests {
    /// One invoice with everything: two services, tax, a credit, an event; its tapes are no longer kept.
    private func withInvoice(_ body: (Billed, String) async throws -> Void) async throws {
        try await withBilled { billed in
            try await billed.contract(
                book: Books.yaml(
                    charges: Books.tiers, extra: "base_fee: {amount_minor: 100}\ntaxes:\n- {name: VAT, percent: \"19\"}"
                ),
                from: "2026-03-01")
            try await billed.use(1_500_000_000, at: "2026-03-02T00:00:00Z")
            try await billed.use(77_000_000, at: "2026-03-05T12:15:00Z", service: "api")
            try await billed.billing.grantCredit(
                tenant: "acme", amountMinor: 500, currency: "USD", by: "ada", now: .at("2026-03-01T00:00:00Z"))
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            let number = try #require(run.finalized.first).number
            try await billed.billing.markPaid(number, reason: "bank", by: "ada", now: .at("2026-04-09T00:00:00Z"))
            try await billed.dropTapes()
            // A second one after it, so that its entry has a neighbour.
            try await billed.finalize(at: "2026-05-02T00:00:00Z")
            try await body(billed, number)
        }
    }

    @Test func `An untouched invoice holds`() async throws {
        try await withInvoice { billed, number in
            let verification = try await billed.billing.verify(number)
            #expect(!verification.isBroken, "\(verification.links)")
            #expect(verification.links.last?.state == .noLongerKept)
            #expect(try await billed.billing.verifyAll().filter(\.isBroken) == [])
        }
    }

    /// Every column of every table of an invoice. Only what no invoice is computed from, and nothing on it says, is left
    /// out: the names of who imported a price book and when.
    @Test func `A change to any column of any table of an invoice is found`() async throws {
        try await withInvoice { billed, number in
            let columns = try await billed.pool.execute(
                """
                SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name IN (
                    'invoice', 'invoice_line', 'invoice_input', 'invoice_event', 'chain_entry', 'price_book_version',
                    'ledger_entry', 'consumption'
                )
                ORDER BY 1, 2
                """)
            let unjudged: Set<String> = [
                "price_book_version.price_book_version_id", "price_book_version.number",
                "price_book_version.imported_at", "price_book_version.imported_by", "ledger_entry.transaction_id",
                "ledger_entry.entry", "ledger_entry.memo", "ledger_entry.entered_at",
                // Of consumption only what an invoice counts.
                "consumption.active_connections_sum", "consumption.active_connections_count",
                "consumption.active_connections_maximum", "consumption.carried_in", "consumption.carried_since",
                "consumption.carried_until",
            ]
            let checks = try await billed.pool.execute(
                """
                SELECT conrelid::regclass::text, conname::text FROM pg_constraint
                WHERE contype IN ('c', 'f') AND coninhcount = 0 AND conrelid::regclass::text IN (
                    'invoice', 'invoice_line', 'invoice_input', 'invoice_event', 'chain_entry', 'price_book_version',
                    'ledger_entry', 'consumption'
                )
                """)
            for check in checks {
                let (table, name) = (try check.decode(0, as: String.self), try check.decode(1, as: String.self))
                try await byHand(billed) {
                    try await $0.executeOnce("ALTER TABLE \(table) DROP CONSTRAINT \"\(name)\"")
                }
            }
            var missed: [String] = []
            var tried = 0
            for row in columns {
                let (table, column, type) = (
                    try row.decode(0, as: String.self), try row.decode(1, as: String.self),
                    try row.decode(2, as: String.self)
                )
                if unjudged.contains("\(table).\(column)") { continue }
                tried += 1
                if try await !isFound(billed, number, table, column, type) { missed.append("\(table).\(column)") }
            }
            #expect(missed == [])
            #expect(tried > 60)
            #expect(try await billed.billing.verifyAll().filter(\.isBroken) == [])
        }
    }

    /// Changes one value behind the triggers' back, looks whether verify finds it, and puts it back.
    private func isFound(
        _ billed: Billed, _ number: String, _ table: String, _ column: String, _ type: String
    ) async throws -> Bool {
        let changed =
            switch type {
            case "bytea": "set_byte(\"\(column)\", 9, 255 - get_byte(\"\(column)\", 9))"
            case "bigint", "integer", "numeric", "smallint": "COALESCE(\"\(column)\", 0) + 1000"
            case "boolean": "NOT \"\(column)\""
            case "timestamp with time zone": "\"\(column)\" + interval '15 minutes'"
            case "date": "\"\(column)\" + 1"
            case "uuid": "'00000000-0000-7000-8000-000000000000'::uuid"
            default: "COALESCE(\"\(column)\", '') || 'x'"
            }
        let invoice = "invoice_id = (SELECT invoice_id FROM invoice WHERE number = '\(number)')"
        let which =
            switch table {
            case "invoice": "number = '\(number)'"
            case "chain_entry": "number = '\(number)' AND kind = 'invoice'"
            case "price_book_version": "true"
            case "consumption": "quarter_hour = '2026-03-02 00:00:00+00'"
            case "ledger_entry": "\(invoice) AND account = 'credit'"
            case "invoice_line": "\(invoice) AND line = 2"
            case "invoice_input": "\(invoice) AND part = 'usage'"
            default: invoice
            }
        try await byHand(billed) { connection in
            _ = try await connection.executeOnce("CREATE TABLE kept AS SELECT * FROM \(table)")
            let done = try await connection.executeOnce("UPDATE \(table) SET \"\(column)\" = \(changed) WHERE \(which)")
            #expect(done.affected == 1, "\(table).\(column)")
        }
        let found = try await billed.billing.verifyAll().contains(where: \.isBroken)
        try await byHand(billed) { connection in
            _ = try await connection.executeOnce("DELETE FROM \(table)")
            _ = try await connection.executeOnce("INSERT INTO \(table) OVERRIDING SYSTEM VALUE SELECT * FROM kept")
            _ = try await connection.executeOnce("DROP TABLE kept")
        }
        return found
    }

    /// As a superuser whom no trigger and no constraint stops.
    private func byHand(_ billed: Billed, _ body: (PostgresConnection) async throws -> Void) async throws {
        try await billed.pool.withConnection { connection in
            _ = try await connection.executeOnce("SET session_replication_role = replica")
            try await body(connection)
            _ = try await connection.executeOnce("SET session_replication_role = origin")
        }
    }
}
