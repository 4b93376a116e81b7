import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import Testing
import UsageStore

@testable import Billing

/// The life of an invoice against PostgreSQL.
@Suite struct FinalizeTests {
    @Test func `Eight finalizers at once give each contract one invoice, and numbers without a gap`() async throws {
        try await withBilled(connections: 16) { billed in
            for number in 1...20 {
                try await billed.contract("tenant-\(number)", from: "2026-03-01")
                try await billed.use(Int64(number), at: "2026-03-02T00:00:00Z", tenant: "tenant-\(number)")
            }
            let runs = try await withThrowingTaskGroup(of: FinalizeRun.self) { group in
                for _ in 1...8 {
                    group.addTask {
                        var order = FinalizeOrder(now: .at("2026-04-02T00:00:00Z"), by: "ada")
                        order.batch = 3
                        return try await billed.billing.finalize(order)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let numbers = runs.flatMap(\.finalized).map(\.number).sorted()
            #expect(numbers == (1...20).map { ChainAppender.number("INV", year: 2026, Int64($0)) })
            #expect(runs.flatMap(\.failed) == [])
            let stored = try await billed.billing.invoices()
            #expect(Set(stored.map(\.document.tenant)).count == 20)
            try await billed.dropTapes()
            #expect(try await billed.billing.verifyAll().filter(\.isBroken) == [])
        }
    }

    @Test func `A rollback gives the number back`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            struct Stop: Error {}
            await #expect(throws: Stop.self) {
                try await billed.pool.transaction { connection in
                    let chain = ChainAppender(connection: connection, now: .at("2026-04-01T00:00:00Z"), by: "ada")
                    try await chain.lock(["INV"])
                    _ = try await chain.numbers("INV", year: 2026, count: 3)
                    throw Stop()
                }
            }
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            #expect(run.finalized.map(\.number) == ["INV-2026-000001"])
        }
    }

    @Test func `A contract whose statements fail does not hold up the others of its batch`() async throws {
        try await withBilled { billed in
            try await billed.contract("good", from: "2026-03-01")
            try await billed.contract("bad", from: "2026-03-01")
            try await billed.pool.execute(
                """
                CREATE FUNCTION fail_for_bad() RETURNS trigger LANGUAGE plpgsql AS $function$
                BEGIN
                    IF NEW.document LIKE '%"tenant":"bad"%' THEN RAISE EXCEPTION 'no'; END IF;
                    RETURN NEW;
                END
                $function$
                """)
            try await billed.pool.execute(
                "CREATE TRIGGER fails BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION fail_for_bad()")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            #expect(run.finalized.map(\.tenant) == ["good"])
            #expect(run.finalized.map(\.number) == ["INV-2026-000001"])
            #expect(run.failed.map(\.tenant) == ["bad"])
        }
    }

    @Test func `What was carried over an edge is printed, also by an outage longer than a quarter hour`() async throws {
        try await withBilled { billed in
            let contract = try await billed.contract(from: "2026-03-01", until: "2026-04-01")
            // Read at 00:05 after a reading at 23:58; read at 00:40 after one at 23:10; and so at the end.
            for (at, since, until, requests, isLong) in [
                ("2026-03-01T00:00:00Z", "2026-02-28T23:58:00Z", "2026-03-01T00:05:00Z", 3, false),
                ("2026-03-01T00:30:00Z", "2026-02-28T23:10:00Z", "2026-03-01T00:40:00Z", 600, true),
                ("2026-04-01T00:00:00Z", "2026-03-31T23:59:00Z", "2026-04-01T00:01:00Z", 7, false),
                ("2026-04-01T06:00:00Z", "2026-03-31T23:00:00Z", "2026-04-01T06:02:00Z", 90, true),
            ] as [(String, String, String, Int64, Bool)] {
                try await billed.use(requests, at: at)
                try await billed.carry(requests, into: at, since: since, until: until, isLong: isLong)
            }
            let preview = try await billed.billing.preview(
                contract: contract.id, month: "2026-03", now: .at("2026-04-02T00:00:00Z")
            ).document
            let crossings = preview.coverage.crossings
            #expect(crossings.map(\.requests) == [600, 3, 90, 7])
            #expect(crossings.map(\.edge) == [.start, .start, .end, .end])
            #expect(crossings[0].since == "2026-02-28T23:10:00Z" && crossings[0].until == "2026-03-01T00:40:00Z")
            #expect(preview.totalMinor == 603)
        }
    }

    @Test func `What preview says is what finalize writes`() async throws {
        try await withBilled { billed in
            let contract = try await billed.contract(
                book: Books.yaml(charges: Books.tiers, extra: "taxes:\n- {name: VAT, percent: \"19\"}"),
                from: "2026-03-10", zone: "Europe/Berlin")
            try await billed.use(1_234_567_890, at: "2026-03-12T10:15:00Z", bytes: 7)
            try await billed.use(77, at: "2026-03-31T21:45:00Z", service: "api")
            try await billed.use(5, at: "2026-03-31T22:00:00Z", service: "api")
            try await billed.billing.grantCredit(
                tenant: "acme", amountMinor: 500, currency: "USD", expires: "2026-12-31", by: "ada",
                now: .at("2026-03-01T00:00:00Z"))
            let now = Timestamp.at("2026-04-02T00:00:00Z")
            var preview = try await billed.billing.preview(contract: contract.id, month: "2026-03", now: now).document
            let run = try await billed.finalize(at: now.description)
            let stored = try await billed.invoice(try #require(run.finalized.first).number).document
            preview.id = stored.id
            preview.number = stored.number
            preview.issuedOn = stored.issuedOn
            preview.issuedAt = stored.issuedAt
            #expect(preview == stored)
            #expect(stored.usage.requests == 1_234_567_967)
            #expect(stored.credits.map(\.amountMinor) == [500])
        }
    }

    @Test(arguments: ["waybill_ingest", "waybill_billing", "waybill_api", "waybill_audit"])
    func `No application role may change or delete what is finalized`(role: String) async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.finalize(at: "2026-04-02T00:00:00Z")
            let tables = [
                "invoice", "invoice_line", "invoice_input", "invoice_event", "chain_entry", "credit_note", "late_usage",
                "ledger_entry", "prepaid_credit", "audit_log", "price_book_version", "signed_head",
            ]
            for table in tables {
                for privilege in ["UPDATE", "DELETE", "TRUNCATE"] {
                    let has = try await billed.pool.execute(
                        "SELECT has_table_privilege($1::text::name, $2, $3)", [role, table, privilege])
                    #expect(try has[0].decode(0, as: Bool.self) == false, "\(role) may \(privilege) \(table)")
                }
            }
        }
    }

    @Test(arguments: [
        "UPDATE invoice SET payable_minor = 0", "DELETE FROM invoice_line", "TRUNCATE invoice_input",
        "UPDATE chain_entry SET number = 'x'", "DELETE FROM audit_log",
        "UPDATE contract SET zone = 'UTC', anchor_day = 2",
    ])
    func `Triggers refuse it to the owner too`(statement: String) async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(3, at: "2026-03-02T00:00:00Z")
            try await billed.finalize(at: "2026-04-02T00:00:00Z")
            await #expect(throws: PostgresError.self) {
                try await billed.pool.withConnection { try await $0.executeOnce(statement) }
            }
        }
    }

    @Test func `Finalize copies its inputs: what happens to consumption later changes no invoice`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(3, at: "2026-03-02T00:00:00Z")
            let number = try #require(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.first).number
            let before = try await billed.invoice(number)
            try await billed.use(9, at: "2026-03-02T00:00:00Z")
            #expect(try await billed.invoice(number) == before)
        }
    }

    @Test func `A draft keeps its id when it is finalized`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            let drafts = try await billed.billing.draft(by: "ada", now: .at("2026-04-02T00:00:00Z"))
            #expect(drafts.map(\.month) == ["2026-03"])
            let shown = try await billed.billing.invoice(drafts[0].id, now: .at("2026-04-02T00:00:00Z"))
            #expect(shown.status == .draft && shown.document.number == nil)
            let run = try await billed.finalize(at: "2026-04-02T01:00:00Z")
            #expect(run.finalized.map(\.id) == [drafts[0].id])
            #expect(try await billed.billing.draft(by: "ada", now: .at("2026-04-02T02:00:00Z")) == [])
        }
    }

    @Test func `An invoice of a thousand lines has each of them`() async throws {
        try await withBilled { billed in
            let charges = (1...1_000).map { number in
                "- {dimension: requests, name: R\(number), model: per_unit, amount_minor: \"0.5\"}"
            }
            .joined(separator: "\n")
            try await billed.contract(book: Books.yaml(charges: charges), from: "2026-03-01")
            try await billed.use(3, at: "2026-03-02T00:00:00Z")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            let invoice = try await billed.invoice(try #require(run.finalized.first).number)
            #expect(invoice.document.lines.count == 1_000)
            #expect(invoice.document.subtotalMinor == 2_000)
        }
    }

    @Test func `Every change to price, contract and invoice stands in the audit log with its author`() async throws {
        try await withBilled { billed in
            let contract = try await billed.contract(from: "2026-03-01")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            try await billed.billing.void(
                try #require(run.finalized.first).number, reason: "wrong", by: "grace", now: .at("2026-04-03T00:00:00Z")
            )
            try await billed.billing.endContract(contract.id, on: "2026-05-01", by: "grace")
            let log = try await billed.billing.audit()
            let subjects = log.map { "\($0.subject) \($0.action) \($0.by)" }
            for expected in [
                "contract insert ada", "invoice insert ada", "invoice_event insert grace", "contract update grace",
            ] {
                #expect(subjects.contains(expected), "\(expected) in \(subjects)")
            }
            let change = try #require(log.last { $0.subject == "contract" })
            #expect(change.before?.contains("\"ends_on\": null") == true)
            #expect(change.after?.contains("\"ends_on\": \"2026-05-01\"") == true)
        }
    }
}
