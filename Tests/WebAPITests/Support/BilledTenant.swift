import Billing
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Metering
import Testing
import UsageStore

@testable import WebAPI

/// A tenant with a contract, whose November 2024 is finalized and whose December is a draft; all made over REST but the
/// drafts, which the job makes.
struct BilledTenant: Sendable {
    let name: String
    let contract: String
    /// November's.
    let number: String
    let id: String
    /// December's.
    let draft: String
    let creditNote: String

    /// What names it in an address.
    var invoices: [String] { [number, id, draft] }

    /// - Parameter key: an operator's, with scope admin.
    init(_ name: String, _ api: ContractClient, key: String, store: UsageStore) async throws {
        self.name = name
        let books = try await api.post("/v1/price-books", Self.priceBook, key: key)
        #expect(books.status == .created, "\(String(buffer: books.body))")
        let made = try await api.post("/v1/contracts", Self.contract(name), key: key)
        #expect(made.status == .created, "\(String(buffer: made.body))")
        contract = try #require(try made.json["id"] as? String)
        let drafts = try await BillingStore(store).draft(contract: contract, by: "tests", now: .now)
        #expect(drafts.map(\.month) == ["2024-11", "2024-12"])
        let november = try #require(drafts.first).id
        draft = try #require(drafts.last).id
        let finalized = try await api.send(.post, "/v1/invoices/\(november)/finalize", key: key)
        #expect(finalized.status == .ok, "\(String(buffer: finalized.body))")
        number = try #require(try finalized.json["number"] as? String)
        id = november
        let note = try await api.post(
            "/v1/credit-notes",
            #"{"invoice":"\#(number)","reason":"an outage","lines":[{"line":1,"amount_minor":2}]}"#, key: key)
        #expect(note.status == .created, "\(String(buffer: note.body))")
        creditNote = try #require(try note.json["number"] as? String)
    }

    /// A cent a request.
    static let priceBook = """
        {"price_book":{"id":"cents","currency":"EUR","versions":[{"effective":"2024-01-01","charges":[
        {"dimension":"requests","name":"Requests","model":"per_unit","amount_minor":1}]}]}}
        """

    static func contract(_ tenant: String) -> String {
        """
        {"tenant":"\(tenant)","price_book":"cents","currency":"EUR","zone":"UTC","starts_on":"2024-11-01",
        "ends_on":"2025-01-01","seller":{"name":"Gateway Ltd","address":["1 Main Street"]},
        "buyer":{"name":"Buyer of \(tenant)","address":[]}}
        """
    }
}

extension UsageStore {
    /// The text of a new key.
    func key(tenant: String? = nil, _ scopes: String...) async throws -> String {
        try await NewAPIKey(name: "test", tenant: tenant, scopes: scopes, expiresAt: nil).store(in: self).text
    }
}
