import Billing
import HTTPTypes

/// `/v1/credit-notes`: what lowers finalized invoices.
enum CreditNoteEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/credit-notes", .invoiceRead, parameters: ["tenant", "invoice", "limit", "cursor"], answer: list),
        Endpoint(.post, "/v1/credit-notes", .invoiceWrite, operators: true, answer: issue),
        Endpoint(.get, "/v1/credit-notes/{id}", .invoiceRead, answer: show),
    ]

    private static func list(_ call: Call) async throws -> Answer {
        let size = try call.pageSize()
        let tenant = try call.tenantIfNamed()
        let invoice = try call.query.text("invoice")
        let list = ["credit-notes", tenant ?? "", invoice ?? ""].joined(separator: "\u{0}")
        let cursor = try call.query.text("cursor").map { try Cursor($0, list: list, keys: 1) }
        let notes = try await call.billing.creditNotes(
            CreditNoteFilter(
                tenant: tenant, invoice: invoice, afterNumber: cursor?.after[0], limit: Int64(size) + 1))
        return try .json(Page(notes, size: size, list: list) { [$0.number ?? ""] })
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path("id")
        let notes = try await call.billing.creditNotes(
            CreditNoteFilter(tenant: call.principal.tenant?.name, number: id, limit: 1))
        guard let note = notes.first else { throw Problem.notFound("there is no credit note \(id)") }
        return try .json(note)
    }

    private struct Body: Decodable {
        struct Line: Decodable {
            let line: Int
            let amountMinor: Int64
        }

        let invoice: String
        let reason: String
        let lines: [Line]
    }

    private static func issue(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: ["invoice", "reason", "lines"])
        guard !body.reason.isEmpty else {
            throw Problem.unprocessable("reason", rule: "required", "say why: it stands on the note")
        }
        guard !body.lines.isEmpty else { throw Problem.unprocessable("lines", rule: "required", "there is no line") }
        guard try await call.billing.finalized(body.invoice) != nil else {
            throw Problem.unprocessable("invoice", rule: "unknown", "there is no finalized invoice \(body.invoice)")
        }
        let note = try await call.billing.issueCreditNote(
            invoice: body.invoice, amounts: body.lines.map { ($0.line, Int128($0.amountMinor)) }, reason: body.reason,
            by: call.principal.id, now: .now)
        var answer = try Answer.json(note, status: 201)
        answer.headers[.location] = "/v1/credit-notes/" + (note.number ?? note.id)
        return answer
    }
}
