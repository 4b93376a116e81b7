import Billing
import Foundation
import HTTPTypes
import HummingbirdCore
import Metering
import Pricing
import UsageStore

/// `/v1/invoices…`: what is billed, why, and whether it still holds.
enum InvoiceEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/invoices", .invoiceRead,
            parameters: ["tenant", "number", "status", "period", "limit", "cursor"], answer: list),
        Endpoint(.get, "/v1/invoices/{id}", .invoiceRead, parameters: ["language"], answer: show),
        Endpoint(.get, "/v1/invoices/{id}/explain", .invoiceRead, parameters: ["line"], answer: explain),
        Endpoint(.get, "/v1/invoices/{id}/verify", .invoiceRead, answer: verify),
        Endpoint(.get, "/v1/invoices/{id}/readings", .invoiceRead, answer: readings),
        Endpoint(
            .post, "/v1/invoices/preview", .invoiceRead, operators: true, parameters: ["language"], answer: preview),
        Endpoint(.post, "/v1/invoices/{id}/finalize", .invoiceWrite, operators: true, answer: finalize),
        Endpoint(.post, "/v1/invoices/{id}/void", .invoiceWrite, operators: true, answer: void),
    ]

    /// An invoice in a list.
    private struct Item: Encodable, Sendable {
        let id: String?
        let number: String?
        let status: Invoice.Status
        let tenant: String
        let period: InvoicePeriod
        let currency: String
        /// Nil for a draft: it is computed when it is read.
        let totalMinor: Int64?
        let payableMinor: Int64?
        let issuedAt: String?
        let paidAt: String?

        init(_ invoice: Invoice) {
            id = invoice.document.id
            number = invoice.document.number
            status = invoice.status
            tenant = invoice.tenant
            period = invoice.period
            currency = invoice.currency
            totalMinor = Int64(clamping: invoice.totalMinor)
            payableMinor = Int64(clamping: invoice.payableMinor)
            issuedAt = invoice.issuedAt
            paidAt = invoice.paidAt
        }

        init(_ draft: ListedDraft) {
            id = draft.id
            number = nil
            status = .draft
            tenant = draft.tenant
            period = draft.period
            currency = draft.currency
            totalMinor = nil
            payableMinor = nil
            issuedAt = nil
            paidAt = nil
        }
    }

    private enum ListedStatus: String, CaseIterable {
        case draft, finalized, void
    }

    /// Finalized and void invoices by number, then drafts by id.
    private static func list(_ call: Call) async throws -> Answer {
        let size = try call.pageSize()
        let tenant = try call.tenantIfNamed()
        let month = try call.query.text("period")
        if let month {
            do {
                _ = try BillingPeriod(month: month, zone: "UTC")
            } catch {
                throw Problem.invalid("period", rule: "format", error.message)
            }
        }
        let number = try call.query.text("number")
        let named = Set(try call.query.words("status", ListedStatus.self))
        let statuses = named.isEmpty ? Set(ListedStatus.allCases) : named
        let list = ["invoices", tenant ?? "", month ?? "", number ?? "", statuses.map(\.rawValue).sorted().joined()]
            .joined(separator: "\u{0}")
        let cursor = try call.query.text("cursor").map { try Cursor($0, list: list, keys: 2) }
        let isPastNumbers = cursor?.after[0] == "draft"
        var items: [Item] = []
        let stored = statuses.subtracting([.draft])
        if !stored.isEmpty, !isPastNumbers {
            var filter = InvoiceFilter(tenant: tenant, month: month, limit: Int64(size) + 1)
            filter.number = number
            filter.afterNumber = cursor?.after[1]
            if stored.count == 1 { filter.status = stored == [.void] ? .void : .finalized }
            items = try await call.billing.invoices(filter).map { Item($0) }
        }
        // A draft has no number.
        if statuses.contains(.draft), number == nil, items.count <= size {
            items += try await call.billing.drafts(
                tenant: tenant, month: month, after: isPastNumbers ? cursor?.after[1] : nil,
                limit: Int64(size + 1 - items.count)
            ).map { Item($0) }
        }
        return try .json(
            Page(items, size: size, list: list) { item in
                item.status == .draft ? ["draft", item.id ?? ""] : ["number", item.number ?? ""]
            })
    }

    private static func show(_ call: Call) async throws -> Answer {
        let form = try call.invoiceForm()
        return try await call.answer(try await call.invoice(), as: form)
    }

    private static func explain(_ call: Call) async throws -> Answer {
        let (document, inputs) = try await call.inputs()
        var lines = document.lines
        if let line = try call.query.integer("line", in: 1...max(1, lines.count)) { lines = [lines[line - 1]] }
        return try .json(Explained(lines: lines.map { try Explanation($0, of: document, inputs) }))
    }

    private struct Explained: Encodable {
        let lines: [Explanation]
    }

    private static func verify(_ call: Call) async throws -> Answer {
        let invoice = try await call.invoice()
        guard invoice.status == .finalized || invoice.status == .void else {
            throw Problem.conflict("a draft has nothing to verify: finalize it first")
        }
        // The proof reads tapes and the whole chain, which no tenant's role may: it answers with the links alone.
        return try .json(try await BillingStore(call.stores.operators).verify(invoice.reference))
    }

    private static func readings(_ call: Call) async throws -> Answer {
        try .json(Readings(readings: try await call.inputs().inputs.readings))
    }

    private struct Readings: Encodable {
        let readings: [MeterReading]
    }

    private struct PreviewBody: Decodable {
        let contract: String
        let month: String
    }

    private static func preview(_ call: Call) async throws -> Answer {
        let form = try call.invoiceForm()
        let body = try call.json(PreviewBody.self, keys: ["contract", "month"])
        let contract = try await call.contract(body.contract).id
        return try await call.answer(
            try await call.billing.preview(contract: contract, month: body.month, now: .now), as: form)
    }

    private struct NoBody: Decodable {}

    private static func finalize(_ call: Call) async throws -> Answer {
        try call.form()
        let draft = try await call.invoice()
        try call.check(draft)
        guard draft.status == .draft else { throw Problem.conflict("it is \(draft.status.rawValue), not a draft") }
        var order = FinalizeOrder(now: .now, by: call.principal.id)
        order.draft = draft.reference
        let run = try await call.billing.finalize(order)
        if let held = run.waiting.first ?? run.failed.first { throw Problem.conflict(held.reason) }
        guard let done = run.finalized.first else { throw Problem.conflict("it was finalized meanwhile") }
        return try await call.answer(try await call.billing.invoice(done.number, now: .now), as: .json)
    }

    private struct VoidBody: Decodable {
        let reason: String
    }

    private static func void(_ call: Call) async throws -> Answer {
        try call.form()
        let body = try call.json(VoidBody.self, keys: ["reason"])
        guard !body.reason.isEmpty, !body.reason.utf8.contains(0) else {
            throw Problem.unprocessable("reason", rule: "required", "say why: it stands with the invoice for ever")
        }
        let invoice = try await call.invoice()
        try call.check(invoice)
        let void = try await call.billing.void(
            invoice.reference, reason: body.reason, by: call.principal.id, now: .now)
        return try await call.answer(void, as: .json)
    }
}

extension Invoice {
    /// What addresses it: its number, else its id.
    var reference: String { document.number ?? document.id ?? "" }

    /// Its strong validator: the hash of a finalized one, with what happened since; that of its content else.
    var entityTag: String {
        get throws {
            if let seal { return "\(seal.hash.prefix(32))-\(events.count)" }
            return Answer.digest(try JSONText.encode(self))
        }
    }
}

extension Call {
    var billing: BillingStore { BillingStore(store) }

    /// A draft is computed from all of its gateways' readings, which no tenant's role sees.
    private var drafting: BillingStore { BillingStore(stores.operators) }

    /// The invoice that the path names. One of another tenant is not there.
    func invoice() async throws -> Invoice {
        let id = try path("id")
        let invoice: Invoice
        if let stored = try await billing.finalized(id) {
            invoice = stored.invoice
        } else if try await billing.tenantOfDraft(id) != nil {
            invoice = try await drafting.invoice(id, now: .now)
        } else {
            throw Problem.notFound("there is no invoice \(id)")
        }
        if let tenant = principal.tenant, invoice.tenant != tenant.name {
            throw Problem.notFound("there is no invoice \(id)")
        }
        return invoice
    }

    /// What the invoice that the path names was computed from.
    func inputs() async throws -> (document: InvoiceDocument, inputs: InvoiceInputs) {
        let invoice = try await invoice()
        return try await (invoice.status == .draft ? drafting : billing).inputs(of: invoice.reference, now: .now)
    }

    /// Holds a change of state against `If-Match`.
    func check(_ invoice: Invoice) throws {
        let tags = EntityTags(request.headers[.ifMatch])
        guard !tags.isEmpty else { return }
        guard tags.contains("\"\(try invoice.entityTag)\"") else {
            throw Problem(
                "precondition-failed", "Precondition failed", 412,
                "the invoice changed since it was read: read it again")
        }
    }
}

extension Timestamp {
    /// The machine's clock.
    static var now: Timestamp { Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000)) }
}

extension BillingStore {
    init(_ store: UsageStore) { self.init(pool: store.pool, logger: store.logger) }
}
