import Foundation
import Testing

@testable import Pricing

@Suite("Price book files") struct PriceBookFormatTests {
    static let good = """
        id: standard
        currency: USD
        rounding: half_up
        versions:
        - effective: 2026-01-01
          base_fee: {amount_minor: 2500, prorate: days}
          minimum: {amount_minor: 0}
          maximum: null
          charges:
          - dimension: requests
            name: Gateway requests
            model: graduated
            per_units: 1000000000
            tiers:
            - {up_to: 1000000000, amount_minor: 9000}
            - {up_to: 10000000000, amount_minor: "6000.000001", flat_minor: 5}
            - {amount_minor: 3000}
          - {dimension: received_bytes, name: Traffic, model: package, per_units: 1000, amount_minor: 9, partial: prorated}
          - {dimension: new_connections, name: "Says \\"hi\\"", model: per_unit, amount_minor: "0.25", included_units: 10}
          discounts:
          - {name: Launch, percent: "12.5", charge: Traffic, from: 2026-02-01, until: 2026-03-01}
          - {name: Goodwill, amount_minor: 100}
          taxes:
          - {name: VAT, percent: 19, classes: [usage, base_fee]}
        - effective: 2026-07-01
          charges: []
        """

    /// What is replaced in the good file, by what, and what the message must say: place, then remedy.
    static let mistakes: [(String, String, [String])] = [
        (
            "rounding: half_up", "rouding: half_up",
            ["book.yaml:3: rouding: unknown key", "id, currency, rounding, versions"]
        ),
        ("half_up", "bankers", ["book.yaml:3: rounding:", "half_up, half_even, down, up"]),
        ("USD", "USX", ["book.yaml:2: currency:", "\"USX\"", "ISO 4217"]),
        ("USD", "usd", ["book.yaml:2: currency:", "three capital letters"]),
        ("id: standard", "id: ''", ["book.yaml:1: id:", "text"]),
        ("id: standard\n", "", ["book.yaml:1:", "key id is missing"]),
        ("effective: 2026-01-01", "effective: 2026-02-30", ["book.yaml:5: versions[0].effective", "2026-01-31"]),
        ("effective: 2026-07-01", "effective: 2026-01-01", ["book.yaml:25: versions[1]", "give each its own date"]),
        ("name: Launch", "name: \"La\\nunch\"", ["book.yaml:21: versions[0].discounts[0].name", "one line of text"]),
        ("prorate: days", "prorate: hours", ["book.yaml:6: versions[0].base_fee.prorate", "days, none"]),
        ("amount_minor: 2500", "amount_minor: -2500", ["book.yaml:6: versions[0].base_fee.amount_minor", "0 or more"]),
        ("amount_minor: 2500", "amount_minor: 25.5", ["book.yaml:6:", "\"9000.5\""]),
        ("amount_minor: 2500", "amount_minor: \"25.1234567\"", ["book.yaml:6:", "six decimals"]),
        ("amount_minor: 2500", "amount_minor: 99999999999999999999", ["book.yaml:6:", "integer"]),
        (
            "maximum: null", "maximum: 5",
            ["book.yaml:8: versions[0].maximum:", "mapping with the keys amount_minor, prorate"]
        ),
        ("maximum: null", "maximum: [1]", ["book.yaml:8:", "found a list"]),
        (
            "minimum: {amount_minor: 0}\n  maximum: null", "minimum: {amount_minor: 2}\n  maximum: {amount_minor: 1}",
            ["book.yaml:8:", "raise it or lower the minimum"]
        ),
        (
            "model: graduated", "model: tiered",
            ["book.yaml:12: versions[0].charges[0].model", "graduated, volume, package, per_unit"]
        ),
        ("    model: graduated\n", "", ["book.yaml:10:", "a model: graduated"]),
        ("    per_units: 1000000000\n", "", ["book.yaml:10: versions[0].charges[0]", "per_units is missing"]),
        ("per_units: 1000000000", "per_units: 0", ["book.yaml:13:", "from 1 to"]),
        ("per_units: 1000000000", "per_units: 1e9", ["book.yaml:13:", "\"1e9\"", "written out"]),
        ("    name: Gateway requests\n", "", ["book.yaml:10:", "key name is missing"]),
        ("name: Gateway requests", "name: Traffic", ["book.yaml:18:", "a second charge is named \"Traffic\""]),
        (
            "dimension: requests", "dimension: Requests!",
            ["book.yaml:10: versions[0].charges[0].dimension", "received_bytes"]
        ),
        (
            "up_to: 10000000000", "up_to: 1000000000",
            ["book.yaml:16: versions[0].charges[0].tiers[1].up_to", "not above 1000000000", "order tiers"]
        ),
        ("up_to: 10000000000", "up_to: 5", ["book.yaml:16:", "found 5"]),
        (
            "up_to: 1000000000,", "upto: 1000000000,",
            ["book.yaml:15: versions[0].charges[0].tiers[0].upto: unknown key", "up_to, amount_minor, flat_minor"]
        ),
        ("{up_to: 10000000000, ", "{", ["book.yaml:17: versions[0].charges[0].tiers[2]", "never reached"]),
        (
            "    - {amount_minor: 3000}\n", "",
            ["versions[0].charges[0].tiers", "above 10,000,000,000 nothing is priced", "leave its up_to out"]
        ),
        ("flat_minor: 5", "flat_minor: 5.5", ["book.yaml:16:", "whole number"]),
        ("partial: prorated", "partial: half", ["book.yaml:18: versions[0].charges[1].partial", "full, prorated"]),
        ("partial: prorated", "tiers: []", ["book.yaml:18: versions[0].charges[1].tiers: unknown key", "partial"]),
        ("percent: \"12.5\", ", "", ["book.yaml:21: versions[0].discounts[0]", "either percent or amount_minor"]),
        ("percent: \"12.5\"", "percent: 101", ["book.yaml:21:", "from 0 to 100"]),
        ("charge: Traffic", "charge: Trafic", ["book.yaml:21: versions[0].discounts[0].charge", "\"Traffic\""]),
        ("until: 2026-03-01", "until: 2026-02-01", ["book.yaml:21: versions[0].discounts[0].until", "never applies"]),
        (
            "classes: [usage, base_fee]", "classes: [usage, fees]",
            ["book.yaml:24: versions[0].taxes[0].classes[1]", "base_fee, minimum, usage"]
        ),
        ("currency: USD", "currency: USD\ncurrency: EUR", ["book.yaml:", "currency", "keep one"]),
        ("versions:\n", "versions: [\n", ["book.yaml:", "not YAML"]),
    ]

    @Test("each mistake is named with file, line, key and remedy, and nothing is read", arguments: mistakes)
    func mistake(found: String, replacement: String, message: [String]) throws {
        let range = try #require(Self.good.firstRange(of: found))
        let yaml = Self.good.replacingCharacters(in: range, with: replacement)
        let error = #expect(throws: PricingError.self) { try PriceBook(yaml: yaml, file: "book.yaml") }
        #expect(error?.code == .invalidPriceBook)
        for part in message { #expect(error?.message.contains(part) == true, "\(error?.message ?? "")") }
        #expect(PriceBook.lint(yaml: yaml, file: "book.yaml").first?.isDefect == true)
    }

    @Test(
        "a file that is no mapping, or nothing, is refused",
        arguments: ["", "# only a comment", "- 1", "price", "a: *b", "\u{0}"])
    func noBook(yaml: String) {
        let error = #expect(throws: PricingError.self) { try PriceBook(yaml: yaml, file: "book.yaml") }
        #expect(error?.message.hasPrefix("book.yaml:") == true)
    }

    @Test("the good file is read as written") func goodFile() throws {
        let book = try PriceBook(yaml: Self.good, file: "book.yaml")
        #expect(book.id == "standard" && book.currency.code == "USD" && book.rounding == .halfUp)
        #expect(book.versions.map(\.effective.description) == ["2026-01-01", "2026-07-01"])
        let version = try #require(book.versions.first)
        #expect(version.baseFee == PriceBook.PeriodAmount(amount: ExactAmount(2500), isProratedByDays: true))
        #expect(version.maximum == nil)
        #expect(version.charges.map(\.name) == ["Gateway requests", "Traffic", "Says \"hi\""])
        #expect(version.charges.map(\.perUnits) == [1_000_000_000, 1000, 1])
        #expect(version.charges[2].includedUnits == 10)
        #expect(version.charges[1].model == .package(ExactAmount(9), partial: .prorated))
        guard case .graduated(let tiers) = version.charges[0].model else {
            Issue.record("not graduated")
            return
        }
        #expect(tiers.map(\.upTo) == [1_000_000_000, 10_000_000_000, nil])
        #expect(tiers.map(\.amount.text) == ["9000", "6000.000001", "3000"] && tiers.map(\.flat) == [0, 5, 0])
        #expect(version.discounts.map(\.name) == ["Launch", "Goodwill"])
        #expect(version.taxes.first?.classes == ["base_fee", "usage"])
    }

    @Test("versions may be written in any order, and the one in force is found by date") func anyOrder() throws {
        let book = try PriceBook(
            yaml: Self.good.replacing("effective: 2026-07-01", with: "effective: 2025-07-01"), file: "book.yaml")
        #expect(book.versions.map(\.effective.description) == ["2025-07-01", "2026-01-01"])
        #expect(try book.version(inForceOn: LocalDate("2025-12-31")).charges == [])
        #expect(try book.version(inForceOn: LocalDate("2026-01-01")).charges.count == 3)
    }

    @Test("canonical bytes are a book of their own and read back as the same version") func canonical() throws {
        for version in try PriceBook(yaml: Self.good, file: "book.yaml").versions {
            let again = try PriceBook(yaml: version.canonicalText, file: "canonical")
            #expect(again.versions == [version])
            #expect(again.versions.first?.canonicalBytes == version.canonicalBytes)
        }
    }

    @Test("canonical bytes do not depend on how the file is written, and change with every price")
    func canonicalMeaning() throws {
        let bytes = try PriceBook(yaml: Self.good, file: "a").versions[0].canonicalBytes
        for (found, replacement) in [
            ("amount_minor: 9000", "amount_minor: \"9000.00\""), ("rounding: half_up\n", ""),
            ("amount_minor: 9000", "amount_minor: 9_000"), ("  maximum: null\n", "  # a comment\n"),
        ] {
            let yaml = Self.good.replacing(found, with: replacement)
            #expect(try PriceBook(yaml: yaml, file: "b").versions[0].canonicalBytes == bytes, "\(replacement)")
        }
        for (found, replacement) in [
            ("9000", "9001"), ("half_up", "half_even"), ("USD", "EUR"), ("flat_minor: 5", "flat_minor: 6"),
            ("prorate: days", "prorate: none"), ("percent: 19", "percent: 20"), ("2026-03-01", "2026-03-02"),
            ("id: standard", "id: other"), ("partial: prorated", "partial: full"),
            ("included_units: 10", "included_units: 11"),
        ] {
            let yaml = Self.good.replacing(found, with: replacement)
            #expect(try PriceBook(yaml: yaml, file: "b").versions[0].canonicalBytes != bytes, "\(replacement)")
        }
    }

    @Test("an import may add a later version, and nothing else") func succession() throws {
        let stored = try PriceBook(yaml: Self.good, file: "a")
        try stored.checkSucceeds(stored)
        let grown = try PriceBook(yaml: Self.good + "\n- effective: 2027-01-01\n", file: "b")
        try grown.checkSucceeds(stored)
        for (yaml, words) in [
            (Self.good.replacing("9000", with: "9001"), "changes the stored version of 2026-01-01"),
            (
                Self.good.replacing("2026-07-01\n  charges: []", with: "2027-07-01"),
                "lacks the stored version of 2026-07-01"
            ),
            (
                Self.good.replacing(
                    "- effective: 2026-07-01", with: "- effective: 2026-05-01\n- effective: 2026-07-01"),
                "adds a version of 2026-05-01"
            ),
        ] {
            let error = #expect(throws: PricingError.self) {
                try PriceBook(yaml: yaml, file: "b").checkSucceeds(stored)
            }
            #expect(error?.code == .versionChanged)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }
}
