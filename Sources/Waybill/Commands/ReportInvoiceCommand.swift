import ArgumentParser
import Billing
import LoadBalancerCosts
import Logging
import Pricing
import Reports
import Savings
import UsageStore

/// `waybill report invoice`: one invoice, in any format.
struct ReportInvoiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoice", abstract: "Write an invoice by its number, or a tenant's month as it would be now.",
        discussion: """
            Examples:
              waybill report invoice INV-2026-000001 --format pdf -o INV-2026-000001.pdf
              waybill report invoice --tenant acme --month 2026-11 --format pdf -o acme.pdf
              waybill report invoice --tenant acme --month 2026-11 --format html --language de --compare edge -o acme.html
              waybill report invoice --tenant acme --month 2026-11 --format focus --focus-version 1.2 -o acme.csv
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var report: ReportOptions

    @Argument(help: "The number or the id of a stored invoice.")
    var reference: String?

    @Option(help: "Without a number: the tenant.")
    var tenant: String?

    @Option(help: ArgumentHelp("Without a number: the month, as 2026-11.", valueName: "month"))
    var month: String?

    @Option(help: ArgumentHelp("The IANA zone in which the month begins and ends.", valueName: "zone"))
    var zone = "UTC"

    @Option(help: ArgumentHelp("The price book; config/price-books/standard.yaml unless given.", valueName: "file"))
    var priceBook: String?

    @Option(help: "text, html, pdf, csv, json or focus.")
    var format: InvoiceFormat = .text

    @Option(help: ArgumentHelp("FOCUS: cost-and-usage or invoice-detail.", valueName: "dataset"))
    var focusDataset: FocusDataset = .costAndUsage

    @Option(help: ArgumentHelp("FOCUS: 1.4 or 1.2.", valueName: "version"))
    var focusVersion: FocusVersion = .v1_4

    @Option(
        help: ArgumentHelp(
            "Put beside it what load balancers would have cost for this gateway's traffic.", valueName: "gateway"))
    var compare: String?

    @Option(help: "The AWS region of the comparison.")
    var region = "us-east-1"

    func run() async throws {
        try FocusChoice.check(focusDataset, focusVersion)
        let templates = try ReportFiles.templates(report.templates)
        let language = try ReportFiles.language(report.language, templates)
        let previewed = try preview()
        let invoice = try await database.withStore(logger: Logger.command) { store in
            let invoice: PrintableInvoice
            let period: BillingPeriod
            if let previewed {
                period = previewed.period
                invoice = try PrintableInvoice(
                    try await PreviewedInvoice.read(
                        tenant: previewed.tenant, month: previewed.month, period: period, priceBook: priceBook,
                        from: store))
            } else {
                let stored = try await StoredInvoices.invoice(reference ?? "", from: store)
                period = try reportFailure { try stored.document.period.billing() }
                invoice = try PrintableInvoice(stored)
            }
            guard let compare else { return invoice }
            let metered = try await store.meteredMonth(of: compare, period)
            let comparison = try costFailure {
                let catalogue = try metered.catalogue(over: .shipped())
                var request = try ComparisonOptions.parse([]).request(
                    catalogue, region: (region, "--region"), isRated: true)
                request.against = ["alb", "nlb", "clb"]
                return PaperComparison(try metered.comparison(request, catalogue: catalogue), gateway: compare)
            }
            return invoice.with(comparison)
        }
        let text = try invoice.text(
            format, templates, language, style: report.output == nil ? Console.outputStyle : .plain,
            focus: (focusDataset, focusVersion))
        if format == .pdf {
            try await ReportFile.print(text, to: report.output)
        } else {
            try ReportFile.write(text, to: report.output)
        }
    }
}

extension ReportInvoiceCommand {
    /// What is previewed where no number is given.
    private func preview() throws -> (tenant: String, month: String, period: BillingPeriod)? {
        guard reference == nil else {
            guard tenant == nil, month == nil, priceBook == nil else {
                throw CommandError(.usage, "a number stands alone: leave --tenant, --month and --price-book out")
            }
            return nil
        }
        guard let tenant, let month else {
            throw CommandError(.usage, "name an invoice by its number, or a --tenant and a --month")
        }
        do {
            return (tenant, month, try BillingPeriod(month: month, zone: zone))
        } catch {
            throw CommandError(.usage, error.message)
        }
    }
}

/// Which FOCUS dataset exists in which version.
enum FocusChoice {
    static func check(_ dataset: FocusDataset, _ version: FocusVersion) throws {
        guard dataset == .costAndUsage || version == .v1_4 else {
            throw CommandError(.usage, "FOCUS \(version.rawValue) has no dataset \(dataset.rawValue): it came with 1.4")
        }
    }
}

extension PaperComparison {
    init(_ comparison: Comparison, gateway: String) {
        self.init(
            gateway: gateway, region: comparison.region, currency: comparison.currency,
            rows: ([comparison.own] + comparison.alternatives).map { row in
                Row(
                    name: row.name, total: row.total.readable, saving: row.saving?.readableSigned,
                    savingPercent: row.savingPercent?.rounded(places: 2))
            })
    }
}
