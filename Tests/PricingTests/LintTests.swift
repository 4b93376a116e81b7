import Testing

@testable import Pricing

@Suite("Price lint") struct LintTests {
    private func messages(charges: String) throws -> [String] {
        try Book.parse(charges: charges).lint().map(\.description)
    }

    @Test("graduated tiers and prorated blocks have no cliff") func predictableModels() throws {
        #expect(try messages(charges: Book.charge("graduated")) == [])
        #expect(try messages(charges: Book.charge("prorated")) == [])
        #expect(try messages(charges: "{\(Book.requests), model: per_unit, amount_minor: 100}") == [])
        #expect(try messages(charges: "{\(Book.requests), model: package, per_units: 1, amount_minor: 100}") == [])
    }

    @Test("volume names each fall with its size") func volume() throws {
        #expect(
            try messages(charges: Book.charge("volume")) == [
                "cliff: version 2026-01-01, Gateway requests: at 1,000,000,001 requests the bill falls from 90.00 to 60.00",
                "cliff: version 2026-01-01, Gateway requests: at 10,000,000,001 requests the bill falls from 600.00 to 300.00",
            ])
    }

    @Test("full blocks rise at the first request and at every block") func fullBlocks() throws {
        #expect(
            try messages(charges: Book.charge("full")) == [
                "cliff: version 2026-01-01, Gateway requests: at 1 request the bill rises from 0.00 to 90.00",
                "cliff: version 2026-01-01, Gateway requests: at 1,000,000,001 requests the bill rises from 90.00 to 180.00, "
                    + "and so at every further 1,000,000,000",
            ])
    }

    @Test("a flat amount is a cliff where its tier is entered, after the included units") func flatAmounts() throws {
        let charge =
            "{\(Book.requests), model: graduated, per_units: 1000, included_units: 500, tiers: "
            + "[{up_to: 1000, amount_minor: 100}, {amount_minor: 100, flat_minor: 250}]}"
        #expect(
            try messages(charges: charge) == [
                "cliff: version 2026-01-01, Gateway requests: at 1,501 requests the bill rises from 1.00 to 3.50"
            ])
    }

    @Test("volume tiers of one price have no cliff, and a first flat amount has one") func volumeDetails() throws {
        let same = "[{up_to: 10, amount_minor: 5}, {amount_minor: 5}]"
        #expect(try messages(charges: "{\(Book.requests), model: volume, per_units: 1, tiers: \(same)}") == [])
        let flat = "[{amount_minor: 0, flat_minor: 700}]"
        #expect(
            try messages(charges: "{\(Book.requests), model: volume, per_units: 1, tiers: \(flat)}") == [
                "cliff: version 2026-01-01, Gateway requests: at 1 request the bill rises from 0.00 to 7.00"
            ])
    }

    @Test("two charges of one dimension are named, and legal") func twice() throws {
        let findings = try Book.parse(
            charges:
                "\(Book.charge("graduated")), {dimension: requests, name: Surcharge, model: per_unit, amount_minor: 1}"
        ).lint()
        #expect(findings.map(\.kind) == [.overlap])
        #expect(findings.allSatisfy { !$0.isDefect })
        #expect(findings.first?.message.contains("\"Gateway requests\" as well; both are due") == true)
    }

    @Test("all defects of a file are named at once: overlap, unreachable tier, gap") func allDefects() throws {
        let yaml = """
            id: broken
            currency: EUR
            versions:
            - effective: 2026-01-01
              charges:
              - dimension: requests
                name: A
                model: graduated
                per_units: 1
                tiers:
                - {up_to: 10, amount_minor: 3}
                - {up_to: 5, amount_minor: 2}
                - {up_to: 8, amount_minor: 2}
                - {amount_minor: 2}
                - {up_to: 20, amount_minor: 1}
              - {dimension: sent_bytes, name: B, model: volume, per_units: 1, tiers: [{up_to: 7, amount_minor: 1}]}
            """
        let findings = PriceBook.lint(yaml: yaml, file: "broken.yaml")
        #expect(findings.map(\.kind) == [.overlap, .overlap, .unreachable, .gap, .gap])
        #expect(findings.allSatisfy { $0.isDefect })
        let places = [12, 13, 15, 11, 16].map { "broken.yaml:\($0):" }
        #expect(zip(findings, places).allSatisfy { $0.message.hasPrefix($1) }, "\(findings)")
    }

    @Test("a dimension that nothing counts is named, and legal") func notMetered() throws {
        let book = try Book.parse(charges: "{dimension: requsts, name: R, model: per_unit, amount_minor: 1}")
        let findings = book.lint(metered: ["requests", "sent_bytes"])
        #expect(findings.map(\.kind) == [.unreachable] && findings.allSatisfy { !$0.isDefect })
        #expect(findings.first?.message.contains("metered are: requests, sent_bytes") == true)
        #expect(book.lint() == [])
    }

    @Test("a tax on no class is named") func taxOnNothing() {
        let yaml =
            "id: p\ncurrency: USD\nversions:\n- effective: 2026-01-01\n  taxes: [{name: T, percent: 19, classes: []}]"
        #expect(PriceBook.lint(yaml: yaml, file: "p.yaml").map(\.kind) == [.unreachable])
    }

    @Test("a file that is no price book is one malformed finding") func malformed() {
        #expect(PriceBook.lint(yaml: "[", file: "x").map(\.kind) == [.malformed])
    }
}
