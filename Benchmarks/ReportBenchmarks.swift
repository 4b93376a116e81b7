import Billing
import Foundation
import Metering
import Pricing
import Reports

/// One invoice as text, page and PDF, and many PDFs by as many printers as there are processors. No database: what is read
/// from one is measured elsewhere.
enum ReportBenchmarks {
    static let all = [
        Benchmark("reports", "an invoice of 7 lines and 21 readings as text, HTML and PDF; many PDFs") { stopwatch in
            try await run(stopwatch)
        }
    ]

    /// WAYBILL_BENCH_PDFS for a quick look.
    private static let count =
        ProcessInfo.processInfo.environment["WAYBILL_BENCH_PDFS"].flatMap { Int($0) } ?? 1000

    private static func run(_ stopwatch: Stopwatch) async throws {
        let templates = try ReportTemplates(directory: "reports")
        let language = try templates.language("en")
        let paper = try InvoicePaper(try invoice())
        stopwatch.measure(100, "texts", "text, 100 times") {
            for _ in 0..<100 { _ = InvoiceText(paper, language).text }
        }
        try stopwatch.measure(100, "pages", "HTML, 100 times") {
            for _ in 0..<100 { _ = try InvoicePage(paper, language).html(templates) }
        }
        let html = try InvoicePage(paper, language).html(templates)
        let folder = NSTemporaryDirectory() + "waybill-bench-pdf-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await one(html, folder)
        try await many(paper, templates, language, folder)
    }

    /// The first PDF of a printer loads WeasyPrint; the others do not.
    private static func one(_ html: String, _ folder: String) async throws {
        let printer = try WeasyPrint.find(script: "reports/print.py")
        defer { printer.stop() }
        let clock = ContinuousClock()
        var times: [String] = []
        for number in 0..<4 {
            let start = clock.now
            try await printer.print(html, to: "\(folder)/one-\(number).pdf")
            times.append("\(start.duration(to: clock.now).milliseconds) ms")
        }
        print("  PDF, the first with the start of WeasyPrint: \(times.joined(separator: ", "))")
    }

    private static func many(
        _ paper: InvoicePaper, _ templates: ReportTemplates, _ language: ReportLanguage, _ folder: String
    ) async throws {
        let jobs = ProcessInfo.processInfo.activeProcessorCount
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in 0..<jobs {
                group.addTask {
                    let printer = try WeasyPrint.find(script: "reports/print.py")
                    defer { printer.stop() }
                    for number in stride(from: job, to: count, by: jobs) {
                        let html = try InvoicePage(paper, language).html(templates)
                        try await printer.print(html, to: "\(folder)/\(number).pdf")
                    }
                }
            }
            try await group.waitForAll()
        }
        let time = start.duration(to: clock.now)
        let written = try FileManager.default.contentsOfDirectory(atPath: folder).count - 4
        print("  \(written) PDFs by \(jobs) printers: \(time); \(time.milliseconds / Int64(max(1, written))) ms each")
    }

    // MARK: What is printed

    /// October 2026 in Berlin: three tiers, traffic, a base fee, a discount and a tax; 24 instances of two gateways.
    private static func invoice() throws -> Invoice {
        let terms = ContractTerms(
            id: "0199f3c2-0000-7000-8000-000000000001", tenant: "acme", priceBook: "bench", currency: "EUR",
            zone: "Europe/Berlin", startsOn: "2026-01-01",
            seller: Party(name: "Gateway Ltd", address: ["1 Main Street", "Springfield"]),
            buyer: Party(name: "Acme GmbH", address: ["Beispielstraße 1", "10115 Berlin"], taxID: "DE123456789"))
        let period = try terms.period(month: "2026-10")
        let version = try PriceBook(yaml: book, file: "bench").version(inForceOn: period.startDate)
        let first = period.startMicroseconds / QuarterHour.microseconds
        let quarters = Array(first..<(period.endMicroseconds / QuarterHour.microseconds))
        let usage = UsageBlock(
            gateway: "edge", service: "web", quarterHours: quarters,
            quantities: [
                "requests": quarters.map { 3_000_000 + $0 % 96 * 40_000 },
                "sent_bytes": quarters.map { 9_000_000_000 + $0 % 96 },
            ])
        let readings = (0..<24).map { index in
            MeterReading(
                gateway: index % 2 == 0 ? "edge" : "internal", instance: "envoy-\(index)", epoch: 1,
                counter: "http.tenant_acme.downstream_rq_completed", service: "web", dimension: "requests",
                spans: [
                    .init(
                        opening: 0, openedAt: "2026-09-30T21:59:57Z", closing: Int64(index) * 1_000_000 + 7,
                        closedAt: "2026-10-31T22:59:58Z")
                ])
        }
        let inputs = InvoiceInputs(
            terms: terms, period: try InvoicePeriod(period, terms), price: FrozenPrice(version), usage: [usage],
            readings: readings)
        let identity = InvoiceIdentity(
            id: "0199f3c2-5a1b-7c3d-8e4f-001122334455", revision: 1, number: "INV-2026-000042",
            issuedOn: "2026-11-02", issuedAt: "2026-11-02T09:30:00Z")
        return Invoice(document: try InvoiceDocument(inputs, identity), status: .finalized)
    }

    private static let book = """
        id: bench
        currency: EUR
        versions:
        - effective: 2026-01-01
          base_fee: {amount_minor: 4900, prorate: days}
          charges:
          - dimension: requests
            name: Gateway requests
            model: graduated
            per_units: 1000000000
            tiers:
            - {up_to: 1000000000, amount_minor: 9000}
            - {up_to: 10000000000, amount_minor: 6000}
            - {amount_minor: 3000}
          - {dimension: sent_bytes, name: Traffic, model: package, per_units: 1000000000, amount_minor: 1, partial: full}
          discounts:
          - {name: Launch, percent: "10"}
          taxes:
          - {name: VAT, percent: "19"}
        """
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
