import Metering
import PostgreSQL
import Testing
import UsageStore

@testable import Billing

/// Billing stories of contracts and of the life of an invoice, against PostgreSQL.
@Suite struct LifeStories {
    @Test func `A period that still runs can not be finalized`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            let run = try await billed.finalize(at: "2026-03-31T23:59:59Z")
            #expect(run.finalized.isEmpty && run.waiting.isEmpty)
        }
    }

    @Test func `An outage over the end of a month waits for the gateway until grace runs out`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.alive(lastReading: "2026-03-31T20:10:00Z")
            let early = try await billed.finalize(at: "2026-04-01T12:00:00Z")
            #expect(early.finalized.isEmpty)
            #expect(early.waiting.first?.reason.contains("edge has reported up to 2026-03-31T20:10:00Z") == true)
            let late = try await billed.finalize(at: "2026-04-01T15:00:00Z", incomplete: true)
            #expect(late.finalized.map(\.isIncomplete) == [true])
        }
    }

    @Test func `When grace has run out the invoice says that it is incomplete`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01", grace: 1)
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.alive(lastReading: "2026-03-31T20:10:00Z")
            let run = try await billed.finalize(at: "2026-04-01T02:00:00Z")
            let invoice = try await billed.invoice(try #require(run.finalized.first).number)
            #expect(invoice.document.coverage.isIncomplete)
            #expect(invoice.document.coverage.percent != "100.00")
        }
    }

    @Test func `A contract that holds waits beyond grace until an operator decides`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01", grace: 1, onIncomplete: .hold)
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.alive(lastReading: "2026-03-31T20:10:00Z")
            let held = try await billed.finalize(at: "2026-04-01T10:00:00Z")
            #expect(held.finalized.isEmpty && held.waiting.first?.reason.contains("holds incomplete invoices") == true)
            let forced = try await billed.finalize(at: "2026-04-01T10:00:00Z", incomplete: true)
            #expect(forced.finalized.count == 1)
        }
    }

    @Test func `A gateway that was drained in order holds nothing up`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.alive(lastReading: "2026-03-31T20:10:00Z", drained: true)
            #expect(try await billed.finalize(at: "2026-04-01T00:00:00Z").finalized.map(\.isIncomplete) == [false])
        }
    }

    @Test func `Once the gateway has reported past the end, nobody waits for grace`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.alive(lastReading: "2026-04-01T00:00:05Z")
            #expect(try await billed.finalize(at: "2026-04-01T00:00:10Z").finalized.map(\.payableMinor) == [10])
        }
    }

    @Test func `Readings that are not aggregated yet are waited for, whatever grace says`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(10, at: "2026-03-31T20:00:00Z")
            try await billed.pool.execute(
                "INSERT INTO tape_change (gateway_id, quarter_hour) SELECT gateway_id, $1 FROM gateway",
                [Timestamp.at("2026-03-31T20:15:00Z").postgres])
            let run = try await billed.finalize(at: "2026-04-09T00:00:00Z")
            #expect(run.finalized.isEmpty && run.waiting.first?.reason.contains("waybill aggregate") == true)
        }
    }

    @Test func `A run that was missed for months gives each month its invoice, oldest first`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-01-01")
            try await billed.use(1, at: "2026-01-02T00:00:00Z")
            try await billed.use(2, at: "2026-02-02T00:00:00Z")
            try await billed.use(4, at: "2026-03-02T00:00:00Z")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            #expect(run.finalized.map(\.month) == ["2026-01", "2026-02", "2026-03"])
            #expect(run.finalized.map(\.payableMinor) == [1, 2, 4])
            #expect(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.isEmpty)
        }
    }

    @Test func `Void and re-issue: the old number stays, the new invoice has the next one and revision 2`() async throws
    {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(10, at: "2026-03-02T00:00:00Z")
            let first = try #require(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.first).number
            try await billed.billing.void(first, reason: "wrong", by: "ada", now: .at("2026-04-03T00:00:00Z"))
            try await billed.use(12, at: "2026-03-02T00:00:00Z")
            let second = try #require(try await billed.finalize(at: "2026-04-04T00:00:00Z").finalized.first).number
            #expect([first, second] == ["INV-2026-000001", "INV-2026-000002"])
            let old = try await billed.invoice(first)
            let new = try await billed.invoice(second)
            #expect(old.status == .void && old.document.payableMinor == 10)
            #expect(new.status == .finalized && new.document.revision == 2 && new.document.payableMinor == 12)
        }
    }

    @Test func `A void of a void is a conflict, and nothing is written`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            let number = try #require(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.first).number
            let now = Timestamp.at("2026-04-03T00:00:00Z")
            try await billed.billing.void(number, reason: "wrong", by: "ada", now: now)
            let error = await #expect(throws: BillingError.self) {
                try await billed.billing.void(number, reason: "again", by: "ada", now: now)
            }
            #expect(error?.code == .wrongStatus && error?.code.isConflict == true)
            #expect(try await billed.invoice(number).events.count == 1)
        }
    }

    @Test func `An invoice is marked paid once`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            let number = try #require(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.first).number
            let now = Timestamp.at("2026-04-10T00:00:00Z")
            #expect(try await billed.billing.markPaid(number, reason: "bank", by: "ada", now: now).paidAt != nil)
            await #expect(throws: BillingError.self) {
                try await billed.billing.markPaid(number, reason: "bank", by: "ada", now: now)
            }
        }
    }

    @Test func `A draft can not be voided`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            let now = Timestamp.at("2026-04-02T00:00:00Z")
            let draft = try #require(try await billed.billing.draft(by: "ada", now: now).first).id
            let error = await #expect(throws: BillingError.self) {
                try await billed.billing.void(draft, reason: "no", by: "ada", now: now)
            }
            #expect(error?.message.contains("is a draft") == true)
        }
    }

    @Test func `A void invoice gives back what it drew on credits`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            try await billed.use(30, at: "2026-03-02T00:00:00Z")
            let now = Timestamp.at("2026-04-03T00:00:00Z")
            try await billed.billing.grantCredit(
                tenant: "acme", amountMinor: 100, currency: "USD", by: "ada", now: now)
            let number = try #require(try await billed.finalize(at: "2026-04-02T00:00:00Z").finalized.first).number
            #expect(try await billed.billing.credits(tenant: "acme").map(\.remainingMinor) == [70])
            try await billed.billing.void(number, reason: "wrong", by: "ada", now: now)
            #expect(try await billed.billing.credits(tenant: "acme").map(\.remainingMinor) == [100])
        }
    }

    @Test func `Two contracts of one tenant never draw the same credit twice`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-02-01", until: "2026-03-01")
            try await billed.contract(from: "2026-03-01")
            try await billed.use(80, at: "2026-02-02T00:00:00Z")
            try await billed.use(80, at: "2026-03-02T00:00:00Z")
            try await billed.billing.grantCredit(
                tenant: "acme", amountMinor: 100, currency: "USD", by: "ada", now: .at("2026-01-02T00:00:00Z"))
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            #expect(run.finalized.reduce(0) { $0 + $1.payableMinor } == 60)
            #expect(try await billed.billing.credits(tenant: "acme").map(\.remainingMinor) == [0])
        }
    }

    @Test func `The ledger refuses a transaction that does not sum to zero`() async throws {
        try await withBilled { billed in
            await #expect(throws: PostgresError.self) {
                try await billed.pool.execute(
                    """
                    INSERT INTO ledger_entry (tenant_id, transaction_id, entry, account, currency, amount_minor, memo)
                    VALUES (1, '00000000-0000-7000-8000-000000000000', 1, 'cash', 'USD', 5, 'out of nothing')
                    """)
            }
        }
    }

    @Test func `Numbers begin again each year, by the local date of issue`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2025-11-01", zone: "Pacific/Auckland")
            let first = try await billed.finalize(at: "2025-12-02T00:00:00Z", incomplete: true)
            // New Year's Eve in UTC, New Year's Day in Auckland.
            let second = try await billed.finalize(at: "2025-12-31T23:00:00Z", incomplete: true)
            #expect(first.finalized.map(\.number) == ["INV-2025-000001"])
            #expect(second.finalized.map(\.number) == ["INV-2026-000001"])
        }
    }

    @Test func `Two issuers have a series each`() async throws {
        try await withBilled { billed in
            try await billed.contract("a", from: "2026-03-01", series: "NORTH")
            try await billed.contract("b", from: "2026-03-01", series: "SOUTH")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            #expect(run.finalized.map(\.number).sorted() == ["NORTH-2026-000001", "SOUTH-2026-000001"])
        }
    }

    @Test func `A contract that ends in the middle is billed up to there and no further`() async throws {
        try await withBilled { billed in
            let contract = try await billed.contract(
                book: Books.yaml(extra: "base_fee: {amount_minor: 3100, prorate: days}"), from: "2026-03-01")
            try await billed.billing.endContract(contract.id, on: "2026-03-11", by: "ada")
            let run = try await billed.finalize(at: "2026-07-02T00:00:00Z")
            #expect(run.finalized.map(\.payableMinor) == [1000])
        }
    }

    @Test func `A contract can not end before what is invoiced`() async throws {
        try await withBilled { billed in
            let contract = try await billed.contract(from: "2026-03-01")
            try await billed.finalize(at: "2026-04-02T00:00:00Z")
            let error = await #expect(throws: BillingError.self) {
                try await billed.billing.endContract(contract.id, on: "2026-03-15", by: "ada")
            }
            #expect(error?.message.contains("void it first") == true)
        }
    }

    @Test func `A second contract over the same time is refused; one that follows is not`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01", until: "2026-06-01")
            let error = await #expect(throws: BillingError.self) { try await billed.contract(from: "2026-05-31") }
            #expect(error?.code == .contractOverlaps)
            try await billed.contract(from: "2026-06-01")
            try await billed.contract("other", from: "2026-03-01")
        }
    }

    @Test(arguments: [("Mars/Olympus", "is not an IANA time zone"), ("GMT+2", "is not an IANA time zone")])
    func `A contract in an unknown zone is refused`(zone: String, says: String) async throws {
        try await withBilled { billed in
            let error = await #expect(throws: BillingError.self) {
                try await billed.contract(from: "2026-03-01", zone: zone)
            }
            #expect(error?.message.contains(says) == true)
            let stored = try await billed.billing.contracts()
            #expect(stored == [])
        }
    }

    @Test func `A contract pins a version, whatever the book says later`() async throws {
        try await withBilled { billed in
            let later =
                "- effective: 2026-02-01\n  charges:\n  - {dimension: requests, name: Requests, model: per_unit, amount_minor: 5}"
            try await billed.contract(
                "pinned", book: Books.yaml(later: later), from: "2026-03-01", pinned: "2020-01-01")
            try await billed.contract("follows", book: Books.yaml(later: later), from: "2026-03-01")
            try await billed.use(10, at: "2026-03-02T00:00:00Z", tenant: "pinned")
            try await billed.use(10, at: "2026-03-02T00:00:00Z", tenant: "follows")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            let amounts = Dictionary(uniqueKeysWithValues: run.finalized.map { ($0.tenant, $0.payableMinor) })
            #expect(amounts == ["pinned": 10, "follows": 50])
        }
    }

    @Test func `A contract in another currency than its book is refused`() async throws {
        try await withBilled { billed in
            try await billed.contract(from: "2026-03-01")
            var terms = try #require(try await billed.billing.contracts().first)
            terms.currency = "EUR"
            terms.startsOn = "2020-01-01"
            terms.endsOn = "2020-02-01"
            await #expect(throws: BillingError.self) {
                try await billed.billing.addContract(terms, by: "ada", now: .at("2026-01-01T00:00:00Z"))
            }
        }
    }

    @Test func `A contract confirms the tenant whose name was captured`() async throws {
        try await withBilled { billed in
            try await billed.pool.execute("INSERT INTO tenant (name) VALUES ('acme')")
            #expect(try await billed.billing.tenants().map(\.confirmed) == [false])
            try await billed.contract(from: "2026-03-01")
            #expect(try await billed.billing.tenants().map(\.confirmed) == [true])
        }
    }
}
