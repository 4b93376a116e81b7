import Billing
import HTTPTypes
import Hummingbird

/// The forms that an invoice is answered in: the first that `Accept` takes, by its weights.
enum InvoiceForms {
    /// A form that is made of an invoice.
    private struct Form: Sendable {
        let type: String
        let body: @Sendable (Invoice) throws -> [UInt8]
    }

    private static let forms = [Form(type: "application/json") { try JSONText.encode($0) }]

    /// - Throws: ``Problem`` 406 where no form is taken.
    static func answer(_ invoice: Invoice, to request: Request) throws -> Answer {
        guard let form = form(for: request.headers[.accept]) else {
            throw Problem(
                "not-acceptable", "Not acceptable", 406,
                "an invoice is made as \(forms.map(\.type).joined(separator: ", "))")
        }
        var answer = Answer(contentType: form.type + "; charset=utf-8", body: try form.body(invoice))
        if let tag = invoice.entityTag {
            // Each form is a representation of its own.
            let suffix = form.type == "application/json" ? "" : "-" + form.type.filter { $0.isLetter }
            answer.headers[.eTag] = "\"\(tag)\(suffix)\""
        }
        return answer
    }

    private static func form(for accept: String?) -> Form? {
        guard let accept, !accept.isEmpty else { return forms.first }
        let wanted = accept.split(separator: ",").map { part -> (type: String, weight: Int) in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { thousandths($0.dropFirst(2)) } ?? 1_000
            return (pieces.first ?? "", weight)
        }
        func weight(_ form: Form) -> Int {
            let family = String(form.type.prefix { $0 != "/" }) + "/*"
            for type in [form.type, family, "*/*"] {
                if let found = wanted.first(where: { $0.type == type }) { return found.weight }
            }
            return 0
        }
        return forms.enumerated().filter { weight($0.element) > 0 }
            .max { (weight($0.element), -$0.offset) < (weight($1.element), -$1.offset) }?.element
    }

    /// `0.75` as 750; 0 for what is no weight.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 0 }
        let fraction = parts.count == 2 ? String(parts[1].prefix(3)) : ""
        return whole * 1_000 + (Int(fraction.padding3) ?? 0)
    }
}

extension String {
    /// Digits after the point as three: `5` as `500`.
    fileprivate var padding3: String { self + String(repeating: "0", count: max(0, 3 - count)) }
}
