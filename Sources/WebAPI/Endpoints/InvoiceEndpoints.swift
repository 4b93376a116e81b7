import Billing
import Foundation
import HTTPTypes
import HummingbirdCore
import Metering
import Pricing
import UsageStore

/// `/v1/invoices…` and `/v1/credit-notes`: what is billed, why, and whether it still holds.
enum InvoiceEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/invoices", .invoiceRead,
            parameters: ["tenant", "number", "status", "period", "limit", "cursor"], answer: list),
        Endpoint(.get, "/v1/invoices/{id}", .invoiceRead, answer: show),
        Endpoint(.get, "/v1/invoices/{id}/explain", .invoiceRead, parameters: ["line"], answer: explain),
        Endpoint(.get, "/v1/invoices/{id}/verify", .invoiceRead, answer: verify),
        Endpoint(.get, "/v1/invoices/{id}/readings", .invoiceRead, answer: readings),
        Endpoint(.post, "/v1/invoices/preview", .invoiceRead, operators: true, answer: preview),
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
        let totalMinor: Int64
        let payableMinor: Int64
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
    }

    private enum StoredStatus: String, CaseIterable {
        case finalized, void
    }

    private static func list(_ call: Call) async throws -> Answer {
        let size = try call.pageSize()
        let tenant = try call.tenantIfNamed()
        var filter = InvoiceFilter(tenant: tenant, limit: Int64(size) + 1)
        filter.month = try call.query.text("period")
        if let month = filter.month {
            do {
                _ = try BillingPeriod(month: month, zone: "UTC")
            } catch {
                throw Problem.invalid("period", rule: "format", error.message)
            }
        }
        filter.number = try call.query.text("number")
        let statuses = try call.query.words("status", StoredStatus.self)
        if statuses.count == 1 { filter.status = Invoice.Status(rawValue: statuses[0].rawValue) }
        let list = ["invoices", tenant ?? "", filter.month ?? "", statuses.map(\.rawValue).joined()]
            .joined(separator: "\u{0}")
        filter.afterNumber = try call.query.text("cursor").map { try Cursor($0, list: list, keys: 1).after[0] }
        let invoices = try await call.billing.invoices(filter)
        return try .json(Page(invoices.map { Item($0) }, size: size, list: list) { [$0.number ?? ""] })
    }

    private static func show(_ call: Call) async throws -> Answer {
        try InvoiceForms.answer(try await call.invoice(), to: call.request)
    }

    private static func explain(_ call: Call) async throws -> Answer {
        let reference = try await call.invoice().reference
        let (document, inputs) = try await call.billing.inputs(of: reference, now: .now)
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
        let reference = try await call.invoice().reference
        let (_, inputs) = try await call.billing.inputs(of: reference, now: .now)
        return try .json(Readings(readings: inputs.readings))
    }

    private struct Readings: Encodable {
        let readings: [MeterReading]
    }

    private struct PreviewBody: Decodable {
        let contract: String
        let month: String
    }

    private static func preview(_ call: Call) async throws -> Answer {
        let body = try call.json(PreviewBody.self, keys: ["contract", "month"])
        return try InvoiceForms.answer(
            try await call.billing.preview(contract: body.contract, month: body.month, now: .now), to: call.request)
    }

    private struct NoBody: Decodable {}

    private static func finalize(_ call: Call) async throws -> Answer {
        let draft = try await call.invoice()
        try call.check(draft)
        guard draft.status == .draft else { throw Problem.conflict("it is \(draft.status.rawValue), not a draft") }
        var order = FinalizeOrder(now: .now, by: call.principal.id)
        order.draft = draft.reference
        let run = try await call.billing.finalize(order)
        if let held = run.waiting.first ?? run.failed.first { throw Problem.conflict(held.reason) }
        guard let done = run.finalized.first else { throw Problem.conflict("it was finalized meanwhile") }
        return try InvoiceForms.answer(try await call.billing.invoice(done.number, now: .now), to: call.request)
    }

    private struct VoidBody: Decodable {
        let reason: String
    }

    private static func void(_ call: Call) async throws -> Answer {
        let body = try call.json(VoidBody.self, keys: ["reason"])
        guard !body.reason.isEmpty, !body.reason.utf8.contains(0) else {
            throw Problem.unprocessable("reason", rule: "required", "say why: it stands with the invoice for ever")
        }
        let invoice = try await call.invoice()
        try call.check(invoice)
        let void = try await call.billing.void(
            invoice.reference, reason: body.reason, by: call.principal.id, now: .now)
        return try InvoiceForms.answer(void, to: call.request)
    }
}

extension Invoice {
    /// What addresses it: its number, else its id.
    var reference: String { document.number ?? document.id ?? "" }

    /// Its strong validator: the hash of a finalized one, with what happened since.
    var entityTag: String? { seal.map { $0.hash.prefix(32) + "-\(events.count)" }.map { String($0) } }
}

extension Call {
    var billing: BillingStore { BillingStore(store) }

    /// The invoice that the path names. One of another tenant is not there.
    func invoice() async throws -> Invoice {
        let id = try path("id")
        let invoice = try await billing.invoice(id, now: .now)
        if let tenant = principal.tenant, invoice.tenant != tenant.name {
            throw Problem.notFound("there is no invoice \(id)")
        }
        return invoice
    }

    /// Holds a change of state against `If-Match`.
    func check(_ invoice: Invoice) throws {
        let tags = EntityTags(request.headers[.ifMatch])
        guard !tags.isEmpty else { return }
        guard let tag = invoice.entityTag.map({ "\"\($0)\"" }), tags.contains(tag) else {
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
