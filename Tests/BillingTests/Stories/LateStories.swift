import Metering
import PostgreSQL
import Testing
import UsageStore

@testable import Billing

/// Billing stories of usage that comes late, and of credit notes, against PostgreSQL.
@Suite struct LateStories {
    /// March is finalized with 1,000,000,000 requests: USD 90.00.
    private func withMarch(
        extra: String = "", _ body: (Billed, _ number: String) async throws -> Void
    ) async throws {
        try await withBilled { billed in
            try await billed.contract(book: Books.yaml(charges: Books.tiers, extra: extra), from: "2026-03-01")
            try await billed.use(1_000_000_000, at: "2026-03-02T00:00:00Z")
            let run = try await billed.finalize(at: "2026-04-02T00:00:00Z")
            try await body(billed, try #require(run.finalized.first).number)
        }
    }

    @Test func `Late usage is a line on the next invoice, at its own month's tier`() async throws {
        try await withMarch { billed, march in
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            try await billed.use(100_000_000, at: "2026-04-20T00:00:00Z")
            let run = try await billed.finalize(at: "2026-05-02T00:00:00Z")
            let april = try await billed.invoice(try #require(run.finalized.first).number)
            #expect(april.document.lines.map(\.kind) == [.usage, .adjustment])
            // The second tier of March: 0.5 × 60, not 90 of April's first tier.
            #expect(april.document.lines.map(\.amountMinor) == [900, 3000])
            #expect(april.document.lines[1].correctsPeriod == "2026-03-01")
            #expect(april.document.lines[1].correctsInvoice == march)
            #expect(april.document.payableMinor == 3900)
            // It is billed once.
            let may = try await billed.finalize(at: "2026-06-02T00:00:00Z")
            #expect(may.finalized.map(\.payableMinor) == [0])
        }
    }

    @Test func `Usage that arrives after finalizing and falls is a credit note, which the next invoice draws on`()
        async throws
    {
        try await withMarch { billed, march in
            try await billed.use(900_000_000, at: "2026-03-02T00:00:00Z")
            try await billed.use(1_000_000_000, at: "2026-04-20T00:00:00Z")
            let april = try await billed.finalize(at: "2026-05-02T00:00:00Z")
            #expect(april.creditNotes == ["CN-2026-000001"] && april.finalized.map(\.payableMinor) == [9000])
            let note = try #require(try await billed.billing.creditNotes().first)
            #expect(note.invoiceNumber == march && note.totalMinor == 900)
            #expect(note.lines == [CreditNote.Line(invoiceLine: 1, name: "Gateway requests", amountMinor: 900)])
            try await billed.use(1_000_000_000, at: "2026-05-20T00:00:00Z")
            let may = try await billed.finalize(at: "2026-06-02T00:00:00Z")
            #expect(may.creditNotes == [] && may.finalized.map(\.payableMinor) == [8100])
        }
    }

    @Test func `Taxes of late usage are those of its own period`() async throws {
        try await withMarch(extra: "taxes:\n- {name: VAT, percent: \"19\"}") { billed, _ in
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            let run = try await billed.finalize(at: "2026-05-02T00:00:00Z")
            let april = try await billed.invoice(try #require(run.finalized.first).number)
            #expect(april.document.taxes.map(\.amountMinor) == [570])
            #expect(april.document.taxes.map(\.correctsPeriod) == ["2026-03-01"])
            #expect(april.document.totalMinor == 3570)
        }
    }

    @Test func `Late usage under one minor unit is recorded, and adds up with what comes later`() async throws {
        try await withMarch { billed, _ in
            try await billed.use(10_000, at: "2026-03-20T00:00:00Z")
            let april = try await billed.finalize(at: "2026-05-02T00:00:00Z")
            #expect(april.finalized.map(\.payableMinor) == [0])
            #expect(try await billed.billing.lateUsage().map(\.outcome) == ["recorded"])
            try await billed.use(200_000, at: "2026-03-20T00:00:00Z")
            let may = try await billed.finalize(at: "2026-06-02T00:00:00Z")
            #expect(may.finalized.map(\.payableMinor) == [1])
        }
    }

    @Test func `Beyond two periods late usage is recorded as unbilled, and reported`() async throws {
        try await withMarch { billed, _ in
            try await billed.finalize(at: "2026-06-02T00:00:00Z")
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            let june = try await billed.finalize(at: "2026-07-02T00:00:00Z")
            #expect(june.finalized.map(\.payableMinor) == [0])
            let late = try await billed.billing.lateUsage()
            #expect(late.map(\.outcome) == ["unbilled"] && late.map(\.grossMinor) == [3000])
        }
    }

    @Test func `At two periods it is still billed`() async throws {
        try await withMarch { billed, _ in
            try await billed.finalize(at: "2026-05-02T00:00:00Z")
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            #expect(try await billed.finalize(at: "2026-06-02T00:00:00Z").finalized.map(\.payableMinor) == [3000])
        }
    }

    @Test func `Late usage below an unreached commit costs nothing`() async throws {
        try await withMarch(extra: "minimum: {amount_minor: 20000}") { billed, _ in
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            let april = try await billed.finalize(at: "2026-05-02T00:00:00Z")
            #expect(april.finalized.map(\.payableMinor) == [20000])
            #expect(try await billed.billing.lateUsage().map(\.grossMinor) == [0])
        }
    }

    @Test func `When the invoice with an adjustment is void, its re-issue bears the adjustment again`() async throws {
        try await withMarch { billed, march in
            try await billed.use(500_000_000, at: "2026-03-20T00:00:00Z")
            let april = try #require(try await billed.finalize(at: "2026-05-02T00:00:00Z").finalized.first).number
            let now = Timestamp.at("2026-05-03T00:00:00Z")
            let refused = await #expect(throws: BillingError.self) {
                try await billed.billing.void(march, reason: "wrong", by: "ada", now: now)
            }
            #expect(refused?.message.contains("is billed by \(april)") == true)
            try await billed.billing.void(april, reason: "wrong", by: "ada", now: now)
            #expect(try await billed.finalize(at: "2026-05-04T00:00:00Z").finalized.map(\.payableMinor) == [3000])
        }
    }

    @Test func `The late report credits, records and leaves open what the next invoice will bear`() async throws {
        try await withMarch { billed, _ in
            try await billed.use(1_500_000_000, at: "2026-03-02T00:00:00Z")
            let open = try await billed.billing.settleLateUsage(by: "ada", now: .at("2026-04-10T00:00:00Z"))
            #expect(open.map(\.outcome) == ["open"] && open.map(\.grossMinor) == [3000])
            try await billed.use(500_000_000, at: "2026-03-02T00:00:00Z")
            let credited = try await billed.billing.settleLateUsage(by: "ada", now: .at("2026-04-11T00:00:00Z"))
            #expect(credited.map(\.outcome) == ["credit_note"] && credited.map(\.grossMinor) == [-4500])
            #expect(try await billed.billing.settleLateUsage(by: "ada", now: .at("2026-04-12T00:00:00Z")).count == 1)
        }
    }

    @Test func `A credit note never credits more than a line, nor twice above it`() async throws {
        try await withMarch { billed, march in
            let now = Timestamp.at("2026-04-10T00:00:00Z")
            func issue(_ amount: Int128) async throws -> CreditNote {
                try await billed.billing.issueCreditNote(
                    invoice: march, amounts: [(1, amount)], reason: "outage", by: "ada", now: now)
            }
            await #expect(throws: BillingError.self) { try await issue(9001) }
            let first = try await issue(5000)
            #expect(first.number == "CN-2026-000001")
            let error = await #expect(throws: BillingError.self) { try await issue(4001) }
            #expect(error?.code == .overCredited)
            let second = try await issue(4000)
            #expect(second.number == "CN-2026-000002")
            let void = await #expect(throws: BillingError.self) {
                try await billed.billing.void(march, reason: "x", by: "ada", now: now)
            }
            #expect(void?.message.contains("CN-2026-000001, CN-2026-000002") == true)
        }
    }

    @Test func `A credit note bears the tax of the line that it credits`() async throws {
        try await withMarch(extra: "taxes:\n- {name: VAT, percent: \"19\"}") { billed, march in
            let note = try await billed.billing.issueCreditNote(
                invoice: march, amounts: [(1, 1000)], reason: "outage", by: "ada", now: .at("2026-04-10T00:00:00Z"))
            #expect(note.netMinor == 1000 && note.taxes.map(\.amountMinor) == [190] && note.totalMinor == 1190)
            try await billed.dropTapes()
            #expect(try await billed.billing.verifyAll().filter(\.isBroken) == [])
        }
    }
}
