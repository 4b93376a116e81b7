import Foundation
import HTTPTypes
import Pricing

/// `/v1/quotes`: what a full period would cost; nothing is read or stored.
enum QuoteEndpoints {
    static let all = [Endpoint(.post, "/v1/quotes", .usageRead, answer: quote)]

    private struct Body: Decodable {
        let quantities: [String: Int64]
        let at: String?
    }

    /// `{"price_book":{…},"quantities":{"requests":12345678901},"at":"2026-10-01"}`: the price book is that of the YAML
    /// file, as JSON.
    private static func quote(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: ["price_book", "quantities", "at"])
        let book = try PriceBook(jsonField: "price_book", of: call)
        do {
            return try .json(Quote(try book.rate(body.quantities, over: .whole(from: try date(body.at)))))
        } catch let error as PricingError {
            throw Problem.unprocessable("price_book", rule: "pricing", error.message)
        }
    }

    private static func date(_ text: String?) throws -> LocalDate {
        let now = RFC3339.text(microseconds: Int64(Date.now.timeIntervalSince1970) * 1_000_000)
        do {
            return try LocalDate(text ?? String(now.prefix(10)))
        } catch {
            throw Problem.unprocessable("at", rule: "format", error.message)
        }
    }
}
