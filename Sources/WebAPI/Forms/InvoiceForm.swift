import Reports

/// A form that an invoice is answered in. The first that a client takes with its highest weight is made.
enum InvoiceForm: Hashable, Sendable {
    case json, html, csv, text, pdf
    case focus(FocusDataset, FocusVersion)

    static let all: [InvoiceForm] = [
        .json, .html, .csv, .text, .pdf, .focus(.costAndUsage, .v1_4), .focus(.costAndUsage, .v1_2),
        .focus(.invoiceDetail, .v1_4),
    ]

    /// The media type.
    var type: String {
        switch self {
        case .json: "application/json"
        case .html: "text/html"
        case .csv: "text/csv"
        case .text: "text/plain"
        case .pdf: "application/pdf"
        case .focus: "application/vnd.focus+csv"
        }
    }

    /// What tells forms of one type apart.
    var parameters: [(name: String, value: String)] {
        if case .focus(let dataset, let version) = self {
            return [("version", version.rawValue), ("dataset", dataset.rawValue)]
        }
        return []
    }

    /// As a client names it.
    var name: String { ([type] + parameters.map { "\($0.name)=\($0.value)" }).joined(separator: ";") }

    /// As the answer names it.
    var contentType: String {
        let name = ([type] + parameters.map { "\($0.name)=\($0.value)" }).joined(separator: "; ")
        return switch self {
        case .pdf: name
        case .csv, .focus: name + "; charset=utf-8; header=present"
        default: name + "; charset=utf-8"
        }
    }

    /// Whether it is written in a language: the others hold names and numbers for programs.
    var hasLanguage: Bool { [.html, .text, .pdf].contains(self) }

    /// What a file of it ends with, and what its validator does.
    var ending: String {
        switch self {
        case .json: "json"
        case .html: "html"
        case .csv: "csv"
        case .text: "txt"
        case .pdf: "pdf"
        case .focus(.costAndUsage, .v1_4): "focus.csv"
        case .focus(.costAndUsage, .v1_2): "focus-1.2.csv"
        case .focus(.invoiceDetail, _): "focus-invoice-detail.csv"
        }
    }
}
