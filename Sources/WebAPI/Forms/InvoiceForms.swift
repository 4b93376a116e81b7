import Billing
import HTTPTypes
import Hummingbird
package import Reports

/// What invoices are rendered with beside JSON: the templates and printers of `waybill report`.
package struct InvoiceForms: Sendable {
    private let templates: ReportTemplates
    private let printer: PDFPrinter?
    /// Why nothing is printed here, with the remedy.
    private let noPrinter: String

    /// - Parameter script: reports/print.py. Where WeasyPrint is not installed, PDF is answered by 406 and the remedy.
    package init(_ templates: ReportTemplates, script: String) {
        self.templates = templates
        do throws(ReportError) {
            printer = try PDFPrinter(script: script)
            noPrinter = ""
        } catch {
            printer = nil
            noPrinter = error.message
        }
    }

    /// With a printer of one's own; nil for none.
    init(_ templates: ReportTemplates, printer: PDFPrinter?) {
        self.templates = templates
        self.printer = printer
        noPrinter = "PDF is not made here"
    }

    var made: [InvoiceForm] { InvoiceForm.all.filter { $0 != .pdf || printer != nil } }

    /// The language of the query's `language`, else the one that `Accept-Language` weighs highest; English where it names
    /// none that there is.
    func language(_ call: Call) throws -> ReportLanguage {
        guard let code = try call.query.text("language") else {
            let codes = ["en"] + templates.languageCodes.filter { $0 != "en" }
            return try templates.language(
                AcceptLanguage(call.request.headers[.acceptLanguage]).best(of: codes) ?? "en")
        }
        guard templates.languageCodes.contains(code) else {
            throw Problem.invalid(
                "language", rule: "enum", "is not one of \(templates.languageCodes.joined(separator: ", "))")
        }
        return try templates.language(code)
    }

    /// The bytes of a form; the paper is rendered by the code of `waybill report`.
    func bytes(_ invoice: Invoice, as form: InvoiceForm, _ language: ReportLanguage) async throws -> [UInt8] {
        if form == .json { return try JSONText.encode(invoice) }
        let paper = try InvoicePaper(invoice)
        switch form {
        case .json, .text: return Array((InvoiceText(paper, language).text + "\n").utf8)
        case .html: return Array(try InvoicePage(paper, language).html(templates).utf8)
        case .csv: return Array(InvoiceCSV(paper).text.utf8)
        case .focus(let dataset, let version): return Array(try FocusReport([paper]).csv(dataset, version).utf8)
        case .pdf:
            guard let printer else { throw Self.notAcceptable(made, noPrinter) }
            return try await printer.print(try InvoicePage(paper, language).html(templates))
        }
    }

    static func notAcceptable(_ made: [InvoiceForm], _ reason: String?) -> Problem {
        Problem(
            "not-acceptable", "Not acceptable", 406,
            "it is made as \(made.map(\.name).joined(separator: ", "))"
                + (reason.map { $0.isEmpty ? "" : "; \($0)" } ?? ""))
    }

    /// - Throws: ``Problem`` 406 where no form is taken, with the remedy where PDF was asked for and can not be made.
    static func form(for call: Call, of forms: InvoiceForms?) throws -> InvoiceForm {
        let accept = Accept(call.request.headers[.accept])
        let made = forms?.made ?? [.json]
        if let taken = accept.best(of: made) { return taken }
        throw notAcceptable(made, accept.names(InvoiceForm.pdf.type) ? forms?.noPrinter : nil)
    }
}

extension Call {
    /// - Throws: ``Problem`` 406 where the client takes no form that is made.
    func invoiceForm() throws -> InvoiceForm { try InvoiceForms.form(for: self, of: resources.forms) }

    /// Refuses a client that takes none of these forms, before anything is done.
    @discardableResult
    func form(of forms: [InvoiceForm] = [.json]) throws -> InvoiceForm {
        guard let form = Accept(request.headers[.accept]).best(of: forms) else {
            throw InvoiceForms.notAcceptable(forms, nil)
        }
        return form
    }

    /// An invoice in a form.
    func answer(_ invoice: Invoice, as form: InvoiceForm) async throws -> Answer {
        var answer = Answer(contentType: form.contentType, body: [])
        let language = try resources.forms?.language(self)
        // Each form, and each language of one, is a representation of its own.
        let code = form.hasLanguage ? language?.code : nil
        let suffix = form == .json ? "" : "-\(form.ending)" + (code.map { "-\($0)" } ?? "")
        let tag = "\"\(try invoice.entityTag)\(suffix)\""
        answer.headers[.eTag] = tag
        answer.headers[.contentLanguage] = code
        answer.headers[.vary] = "Accept, Accept-Language, Accept-Encoding"
        if form == .html {
            // A page of one file that runs nothing and asks for nothing.
            answer.headers[.contentSecurityPolicy] =
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
        }
        if form != .json {
            answer.headers[.contentDisposition] = "inline; filename=\"\(fileName(invoice)).\(form.ending)\""
        }
        // Nothing is rendered for a client that has it.
        if EntityTags(request.headers[.ifNoneMatch]).contains(tag), request.method != .post { return answer }
        if let forms = resources.forms, let language {
            answer.body = try await forms.bytes(invoice, as: form, language)
        } else {
            answer.body = try JSONText.encode(invoice)
        }
        return answer
    }

    private func fileName(_ invoice: Invoice) -> String {
        let name = invoice.document.number ?? invoice.document.id ?? "preview"
        return name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
}

extension Accept {
    /// The form that is wanted most, and of equals the first; nil where none is taken.
    func best(of forms: [InvoiceForm]) -> InvoiceForm? {
        func weight(_ form: InvoiceForm) -> Int {
            self.weight(
                of: form.type, parameters: Dictionary(uniqueKeysWithValues: form.parameters.map { ($0.name, $0.value) })
            )
        }
        let most = forms.map(weight).max() ?? 0
        return most > 0 ? forms.first { weight($0) == most } : nil
    }
}
