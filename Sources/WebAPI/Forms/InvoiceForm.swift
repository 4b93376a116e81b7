/// A form that an invoice is answered in. The first that a client takes with its highest weight is made.
enum InvoiceForm: String, CaseIterable, Sendable {
    case json, html, csv, text, pdf, focus

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

    /// As the answer names it.
    var contentType: String {
        switch self {
        case .pdf: type
        case .csv, .focus: type + "; charset=utf-8; header=present"
        default: type + "; charset=utf-8"
        }
    }

    /// What a file of it ends with.
    var ending: String {
        switch self {
        case .text: "txt"
        case .focus: "focus.csv"
        default: rawValue
        }
    }
}
