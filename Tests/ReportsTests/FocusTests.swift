import Billing
import Foundation
import Pricing
import Reports
import TestSupport
import Testing

@Suite("FOCUS")
struct FocusTests {
    static let samples: [SampleInvoice] = [
        SampleInvoice(), .none, SampleInvoice(requests: 1), SampleInvoice(requests: 999_999_999, hasTax: false),
        SampleInvoice(requests: 1_000_000_001, hasDiscount: false),
        SampleInvoice(requests: 7_777_777, hasCredit: false),
        SampleInvoice(currency: "JPY"), SampleInvoice(currency: "KWD", hasAdjustment: false),
        SampleInvoice(month: "2026-03", zone: "America/New_York"), SampleInvoice(status: .void),
        SampleInvoice(priceModel: .volumeWithFlat), SampleInvoice(priceModel: .wholePackages),
        SampleInvoice(priceModel: .thirds), SampleInvoice(priceModel: .capped),
    ]

    @Test("Σ BilledCost of an invoice is what is to be paid, in every dataset and version", arguments: samples)
    func billedCost(_ sample: SampleInvoice) throws {
        let paper = try sample.paper()
        let report = FocusReport([paper])
        for (dataset, version) in [
            (FocusDataset.costAndUsage, FocusVersion.v1_4), (.costAndUsage, .v1_2), (.invoiceDetail, .v1_4),
        ] {
            let records = try CSVRows(report.csv(dataset, version)).records
            let sum = try records.map { try Exact($0["BilledCost"] ?? "") }.reduce(Exact.zero, +)
            #expect(sum == (try Exact(paper.payable.decimal)), "\(dataset) \(version)")
            #expect(records.allSatisfy { $0["BillingCurrency"] == paper.currency.code })
        }
    }

    @Test("Unit price times quantity is the cost, exactly, where both are given", arguments: samples)
    func unitPrices(_ sample: SampleInvoice) throws {
        let records = try CSVRows(FocusReport([try sample.paper()]).csv(.costAndUsage, .v1_4)).records
        for record in records where record["ChargeClass"] != "Correction" {
            guard let price = record["ListUnitPrice"], !price.isEmpty, let quantity = record["PricingQuantity"],
                !quantity.isEmpty
            else { continue }
            let product = try Exact(price) * Exact(quantity)
            #expect(try Exact(record["ListCost"] ?? "") == product, "\(record)")
            #expect(try Exact(record["ContractedCost"] ?? "") == product)
            // What is billed is the exact cost rounded, less discounts: never more than half a unit above it.
            #expect(try Exact(record["BilledCost"] ?? "") <= product + Exact("1"))
        }
    }

    @Test("Every mandatory column is there and filled where it may not be null", arguments: samples)
    func columns(_ sample: SampleInvoice) throws {
        let filled = [
            "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
            "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost",
            "InvoiceIssuerName", "ListCost", "ServiceCategory", "ServiceName",
        ]
        let report = FocusReport([try sample.paper()])
        for record in try CSVRows(report.csv(.costAndUsage, .v1_4)).records {
            for column in filled + ["ServiceProviderName"] { #expect(record[column]?.isEmpty == false, "\(column)") }
            for column in ["BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"] {
                #expect(record[column]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
            }
            // Usage that is no correction has to say what was priced and what was consumed.
            if record["ChargeCategory"] == "Usage", record["ChargeClass"] == "" {
                #expect(record["PricingQuantity"] != "" && record["PricingUnit"] != "")
                #expect(record["ConsumedQuantity"] != "" && record["ConsumedUnit"] != "")
            }
        }
        for record in try CSVRows(report.csv(.costAndUsage, .v1_2)).records {
            for column in filled + ["ProviderName", "PublisherName"] { #expect(record[column]?.isEmpty == false) }
        }
        for record in try CSVRows(report.csv(.invoiceDetail, .v1_4)).records {
            for (column, value) in record where column != "InvoiceIssueDate" && column != "PaymentDueDate" {
                #expect(!value.isEmpty, "\(column)")
            }
        }
    }

    @Test("A correction is marked as such, and lies in the period that it corrects")
    func corrections() throws {
        let records = try CSVRows(FocusReport([try SampleInvoice().paper()]).csv(.costAndUsage, .v1_4)).records
        let corrections = records.filter { $0["ChargeClass"] == "Correction" }
        #expect(corrections.count == 2)
        for record in corrections {
            #expect(record["ChargePeriodStart"] == "2026-08-31T22:00:00Z")
            #expect(record["ChargePeriodEnd"] == "2026-09-30T22:00:00Z")
            #expect(record["BillingPeriodStart"] == "2026-09-30T22:00:00Z")
        }
    }

    @Test("Cost and Usage names lines that Invoice Detail has")
    func references() throws {
        let report = FocusReport([try SampleInvoice().paper()])
        let details = Set(try CSVRows(report.csv(.invoiceDetail, .v1_4)).records.compactMap { $0["InvoiceDetailId"] })
        let named = try CSVRows(report.csv(.costAndUsage, .v1_4)).records.compactMap { $0["InvoiceDetailId"] }
        #expect(Set(named) == details && named.count == details.count)
    }

    /// Made by scripts/setup; where it is missing the check is skipped, and CI has it.
    static let toolkit = Shipped.path(".build/focus-venv/bin/focus-toolkit")

    @Test(
        "focus-data-toolkit finds the structure of FOCUS 1.4 in order",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: toolkit), "scripts/setup installs focus-data-toolkit"),
        arguments: FocusDataset.allCases)
    func structure(_ dataset: FocusDataset) throws {
        let papers = try [SampleInvoice(), SampleInvoice(priceModel: .volumeWithFlat)].map { try $0.paper() }
        let file = NSTemporaryDirectory() + "focus-\(UUID().uuidString).csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(try FocusReport(papers).csv(dataset, .v1_4).utf8).write(to: URL(fileURLWithPath: file))
        let (status, said) = try Program.run(Self.toolkit, ["validate", "--dataset", dataset.rawValue, file])
        #expect(status == 0, "\(said)")
    }

    /// Made by scripts/setup-focus-validator where there is a Python 3.12; WAYBILL_FOCUS_VALIDATOR names another.
    static let validator =
        ProcessInfo.processInfo.environment["WAYBILL_FOCUS_VALIDATOR"]
        ?? Shipped.path(".build/focus-1.2-venv/bin/focus-validator")

    /// Of a payable invoice there is one rule that can not hold: it wants InvoiceId to be null, whatever is charged.
    @Test(
        "focus-validator finds FOCUS 1.2 in order but for its rule that no charge has an InvoiceId",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: validator),
            "scripts/setup-focus-validator installs focus-validator, with Python 3.12 or later"),
        arguments: [SampleInvoice(), SampleInvoice(status: .void), SampleInvoice(priceModel: .volumeWithFlat)])
    func validated(_ sample: SampleInvoice) throws {
        let file = NSTemporaryDirectory() + "focus-\(UUID().uuidString).csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(try FocusReport([try sample.paper()]).csv(.costAndUsage, .v1_2).utf8)
            .write(to: URL(fileURLWithPath: file))
        // It looks for the specification beside the folder that it runs in, and writes its log there.
        let root = String(Self.validator.dropLast("/bin/focus-validator".count)) + "/lib"
        let folder = try #require(
            try FileManager.default.contentsOfDirectory(atPath: root).map { "\(root)/\($0)/site-packages" }
                .first { FileManager.default.fileExists(atPath: $0 + "/focus_validator") })
        let (_, said) = try Program.run(
            Self.validator, ["--data-file", file, "--validate-version", "1.2", "--block-download"], in: folder)
        // Its exit code is 0 whatever it finds.
        let total = try #require(
            said.firstMatch(of: /Total: \d+ \| Pass: (\d+) \| Fail: (\d+) \|/), "\(said.prefix(2000))")
        let failed = Set(said.matches(of: /\u{274C} ([A-Za-z0-9-]+): FAIL/).map { String($0.1) })
        #expect(failed == ["InvoiceId-C-004-C"])
        #expect(total.2 == "1" && (Int(total.1) ?? 0) > 100)
    }
}
