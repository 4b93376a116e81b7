import Billing
import Foundation
import HTTPTypes
import Pricing

/// `/v1/price-books…`: immutable versions of prices.
enum PriceBookEndpoints {
    static let all = [
        Endpoint(.get, "/v1/price-books", .usageRead, operators: true, answer: list),
        Endpoint(.post, "/v1/price-books", .priceWrite, operators: true, answer: add),
        Endpoint(.get, "/v1/price-books/{id}", .usageRead, operators: true, answer: show),
        Endpoint(.get, "/v1/price-books/{id}/versions/{effective}", .usageRead, operators: true, answer: version),
    ]

    private struct Items: Encodable {
        let items: [StoredPriceBook]
    }

    private static func list(_ call: Call) async throws -> Answer {
        try .json(Items(items: try await call.billing.priceBooks()))
    }

    /// `{"price_book":{…}}`: the price book of the YAML file, as JSON. Versions that are stored already come again
    /// unchanged.
    private static func add(_ call: Call) async throws -> Answer {
        _ = try call.json(NoFields.self, keys: ["price_book"])
        let book = try PriceBook(jsonField: "price_book", of: call)
        let imported = try await call.billing.importPriceBook(book, by: call.principal.id)
        var answer = try Answer.json(imported.stored, status: 201)
        answer.headers[.location] = "/v1/price-books/" + imported.stored.book.id
        return answer
    }

    private static func show(_ call: Call) async throws -> Answer {
        try .json(try await call.billing.priceBook(id: try call.path("id")))
    }

    private static func version(_ call: Call) async throws -> Answer {
        let book = try await call.billing.priceBook(id: try call.path("id"))
        let effective = try call.path("effective")
        guard let version = book.versions.first(where: { $0.version.effective.description == effective }) else {
            throw Problem.notFound("price book \(book.book.id) has no version of \(effective)")
        }
        return try .json(version, etag: String(version.digestText.prefix(32)))
    }
}

/// A body whose fields are read by another way.
struct NoFields: Decodable {}

extension PriceBook {
    /// Reads a price book that stands in a request's body. JSON is YAML: one strict reader knows the format.
    ///
    /// - Throws: ``Problem`` 422 with the reader's words.
    init(jsonField name: String, of call: Call) throws {
        let object = try JSONSerialization.jsonObject(with: Data(call.body)) as? [String: Any]
        guard let book = object?[name] as? [String: Any] else {
            throw Problem.unprocessable(name, rule: "required", "is missing, or not an object")
        }
        let text = try JSONSerialization.data(withJSONObject: book, options: [.sortedKeys, .withoutEscapingSlashes])
        do {
            try self.init(yaml: String(decoding: text, as: UTF8.self), file: name)
        } catch {
            throw Problem.unprocessable(name, rule: "pricing", error.message)
        }
    }
}
