import Foundation
import Testing

@testable import Pricing

/// What REST, reports and invoices carry of a calculation: the same keys each time.
@Suite("Ratings as JSON") struct RatingJSONTests {
    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func rating() throws -> Rating {
        try Book.parse(
            charges: "{\(Book.requests), model: package, per_units: 10, included_units: 5, amount_minor: \"90.5\"}",
            "base_fee: {amount_minor: 100}", "discounts: [{name: Ten, percent: 10, charge: Gateway requests}]",
            "taxes: [{name: VAT, percent: 19, classes: [base_fee], rounded: per_line}]"
        ).rate(requests: 26)
    }

    @Test("a rating carries its usage, lines, shares and taxes") func rated() throws {
        #expect(
            try json(rating()) == """
                {"currency":"USD","effective":"2026-01-01","lines":[\
                {"amount_minor":100,"blocks":null,"class":"base_fee","dimension":null,"flat_minor":0,"kind":"base_fee",\
                "name":"Base fee","price":null,"quantity":null,"tier":null},\
                {"amount_minor":272,"blocks":3,"class":"usage","dimension":"requests","flat_minor":0,"kind":"usage",\
                "name":"Gateway requests","price":{"amount_minor":"90.5","per_units":10},"quantity":21,"tier":null},\
                {"amount_minor":-27,"blocks":null,"class":null,"dimension":null,"flat_minor":0,"kind":"discount",\
                "name":"Ten","price":null,"quantity":null,"shares":[{"amount_minor":-27,"line":1}],"tier":null}],\
                "price_book":"test","rounding":"half_up","subtotal_minor":345,\
                "taxes":[{"amount_minor":19,"name":"VAT","percent":"19","rounded":"per_line","taxable_minor":100}],\
                "total_minor":364,\
                "usage":[{"charge":"Gateway requests","consumed":26,"dimension":"requests","included":5,"rated":21}]}
                """)
    }

    @Test("an amount carries its currency, however large it is") func money() throws {
        #expect(
            try json(Money(minorUnits: Int128.max, currency: Currency("JPY")))
                == #"{"amount_minor":170141183460469231731687303715884105727,"currency":"JPY"}"#)
    }

    @Test("a quote is the same by either way of writing it") func quote() throws {
        let quote = Quote(try rating())
        let written = try JSONSerialization.jsonObject(with: Data(quote.json.utf8)) as? NSDictionary
        let encoded = try JSONSerialization.jsonObject(with: Data(json(quote).utf8)) as? NSDictionary
        #expect(written != nil && written == encoded)
        #expect(
            quote.json.hasPrefix(
                #"{"currency":"USD","lines":[{"name":"Base fee","tier":null,"quantity":null,"amount_minor":100}"#))
    }
}

/// A tax that is rounded on each line instead of once.
@Suite("Taxes by line") struct LineTaxTests {
    @Test("three lines of 0.5 are 3 by line, and 2 on the invoice") func perLine() throws {
        let charges = ["A", "B", "C"].map { "{dimension: requests, name: \($0), model: per_unit, amount_minor: 1}" }
            .joined(separator: ", ")
        for (rounded, amount) in [("per_line", 3), ("invoice", 2)] as [(String, Int128)] {
            let book = try Book.parse(charges: charges, "taxes: [{name: VAT, percent: 10, rounded: \(rounded)}]")
            #expect(try book.rate(requests: 5).taxes.map(\.amount.minorUnits) == [amount])
        }
    }
}
