import Billing
import Foundation
import Pricing
import Reports

/// The templates of the installation, and invoices as text in English.
enum ReportFiles {
    /// `reports/` of the installation, or another folder.
    static func templates(_ directory: String? = nil) throws -> ReportTemplates {
        try reportFailure { try ReportTemplates(directory: try directory ?? ConfigurationFiles.directory("reports")) }
    }

    static func language(_ code: String = "en", _ templates: ReportTemplates) throws -> ReportLanguage {
        do {
            return try templates.language(code)
        } catch {
            throw CommandError(.usage, error.message)
        }
    }

    /// An invoice for the terminal; `style` plain for a file.
    static func text(_ invoice: Invoice, style: TextStyle = Console.outputStyle) throws -> String {
        try text(try reportFailure { try InvoicePaper(invoice) }, style)
    }

    /// A preview for the terminal.
    static func text(_ preview: InvoicePreview) throws -> String {
        try text(try reportFailure { try InvoicePaper(preview) }, Console.outputStyle)
    }

    private static func text(_ paper: InvoicePaper, _ style: TextStyle) throws -> String {
        InvoiceText(paper, try language("en", templates()), style: style).text
    }
}

extension Console {
    /// Colour where stdout is a terminal, unless NO_COLOR asks for none.
    static var outputStyle: TextStyle {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return TextStyle(hasColour: isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty)
    }
}

/// Runs what makes a report, with its errors as the command's.
func reportFailure<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as ReportError {
        throw CommandError(.failure, error.message)
    } catch let error as PricingError {
        throw CommandError(.failure, error.message)
    }
}
