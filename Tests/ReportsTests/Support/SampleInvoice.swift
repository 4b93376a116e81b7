import Metering
import Pricing
import Reports
import TestSupport

@testable import Billing

/// Invoices made for these tests, by the same pure function that makes real ones.
struct SampleInvoice {
    var buyer = Party(
        name: "Acme Widgets Ltd", address: ["1 Long Lane", "London EC1A 9HF", "United Kingdom"], taxID: "GB123456789")
    var seller = Party(
        name: "Example Gateways GmbH", address: ["Beispielstraße 12", "10115 Berlin", "Germany"], taxID: "DE123456789")
    var tenant = "acme"
    /// Requests of the month; spread over its days as traffic is.
    var requests: Int64 = 12_345_678_901
    var month = "2026-10"
    var zone = "Europe/Berlin"
    var currency = "EUR"
    var instances = 25
    var hasDiscount = true
    var hasTax = true
    var hasCredit = true
    var hasAdjustment = true
    var hasGaps = true
    var hasBaseFee = true
    /// How requests are priced.
    enum PriceModel {
        case graduated, volumeWithFlat, wholePackages, thirds, capped
    }

    var priceModel = PriceModel.graduated
    /// Further charges, one line each.
    var furtherCharges = 0
    var status = Invoice.Status.finalized

    static let none = SampleInvoice(
        tenant: "idle", requests: 0, instances: 0, hasDiscount: false, hasTax: false, hasCredit: false,
        hasAdjustment: false, hasGaps: false)

    func paper() throws -> InvoicePaper { try InvoicePaper(try invoice()) }

    func invoice() throws -> Invoice {
        let isStored = status == .finalized || status == .void
        let identity = InvoiceIdentity(
            id: status == .preview ? nil : "0199f3c2-5a1b-7c3d-8e4f-001122334455", revision: 1,
            number: isStored ? "INV-2026-000042" : nil, issuedOn: isStored ? "2026-11-02" : nil,
            issuedAt: isStored ? "2026-11-02T09:30:00.25Z" : nil)
        let seal = InvoiceSeal(
            position: 42, documentDigest: Digest.hex("document"), previousHash: Digest.hex("before"),
            hash: Digest.hex("this"))
        let events =
            status == .void
            ? [InvoiceEvent(kind: .void, at: "2026-11-05T14:00:00Z", by: "anna", reason: "wrong address")] : []
        return Invoice(
            document: try InvoiceDocument(try inputs(), identity), status: status, seal: isStored ? seal : nil,
            events: events)
    }

    func inputs() throws -> InvoiceInputs {
        let terms = ContractTerms(
            id: "0199f3c2-0000-7000-8000-000000000001", tenant: tenant, priceBook: "standard", currency: currency,
            zone: zone, startsOn: "2026-01-01", seller: seller, buyer: buyer)
        let period = try terms.period(month: month)
        let version = try PriceBook(yaml: book, file: "book.yaml").version(inForceOn: period.startDate)
        let tax = InvoiceTax(
            name: "VAT", percent: "19", taxableMinor: 4211, amountMinor: 800, correctsPeriod: "2026-09-01")
        return InvoiceInputs(
            terms: terms, period: try InvoicePeriod(period, terms), price: FrozenPrice(version), usage: usage(period),
            readings: readings(period),
            coverage: hasGaps
                ? InvoiceCoverage(
                    percent: "99.87",
                    gaps: [
                        .init(
                            gateway: "edge", instance: "envoy-7f9c-00", from: "2026-10-14T03:12:00Z",
                            to: "2026-10-14T03:19:30Z", reason: "tail_lost", lower: 0, upper: 41_200)
                    ], watermark: "2026-11-01T00:00:00Z") : InvoiceCoverage(watermark: "2026-11-01T00:00:00Z"),
            adjustments: hasAdjustment
                ? [
                    Adjustment(
                        period: "2026-09-01", invoiceID: "0199f3c2-5a1b-7c3d-8e4f-000000000041",
                        invoiceNumber: "INV-2026-000035", quantities: ["requests": 701_833_333], netMinor: 4211,
                        taxes: hasTax ? [tax] : [])
                ] : [],
            credits: hasCredit
                ? [InvoiceCredit(id: "c1", name: "Prepaid credit", expires: nil, amountMinor: 20_000)] : [])
    }

    var book: String {
        var yaml = """
            id: standard
            currency: \(currency)
            rounding: half_up
            versions:
            - effective: 2026-01-01
              base_fee: {amount_minor: \(hasBaseFee ? 4900 : 0), prorate: days}
            \(priceModel == .capped ? "  maximum: {amount_minor: 30000}" : "  maximum: null")
              charges:
            \(requestCharge)
              - {dimension: sent_bytes, name: Traffic sent, model: package, per_units: 1000000000, amount_minor: 1, partial: prorated}

            """
        for number in 0..<furtherCharges {
            yaml +=
                "  - {dimension: requests, name: Further charge \(number + 1), model: per_unit, per_units: 1000000000, "
                + "amount_minor: \(100 + number)}\n"
        }
        if hasDiscount {
            yaml += "  discounts:\n  - {name: Launch discount, percent: \"10\", charge: Gateway requests}\n"
        }
        if hasTax { yaml += "  taxes:\n  - {name: VAT, percent: \"19\"}\n" }
        return yaml
    }

    private var requestCharge: String {
        let head = "  - {dimension: requests, name: Gateway requests, "
        let graduated =
            "model: graduated, per_units: 1000000000, tiers: [{up_to: 1000000000, amount_minor: 9000}, "
            + "{up_to: 10000000000, amount_minor: 6000}, {amount_minor: 3000}]}"
        return switch priceModel {
        case .graduated, .capped: head + graduated
        case .volumeWithFlat:
            head + "model: volume, per_units: 1000000, tiers: [{up_to: 1000000000, amount_minor: \"9.5\", "
                + "flat_minor: 700}, {amount_minor: \"6.25\", flat_minor: 1500}]}"
        case .wholePackages:
            head + "model: package, per_units: 1000000000, amount_minor: 9000, partial: full, included_units: 1000}"
        // A price whose decimal never ends: no unit price can be exact.
        case .thirds: head + "model: per_unit, per_units: 3000000, amount_minor: 10}"
        }
    }

    /// More on weekdays than at weekends, more at noon than at night.
    private func usage(_ period: BillingPeriod) -> [UsageBlock] {
        guard requests > 0 else { return [] }
        let first = period.startMicroseconds / QuarterHour.microseconds
        let quarters = Array(first..<(period.endMicroseconds / QuarterHour.microseconds))
        let weights = quarters.map { quarter -> Int64 in
            let (day, slot) = ((quarter / 96) % 7, quarter % 96)
            return (day == 2 || day == 3 ? 4 : 9) * (20 + min(slot, 96 - slot)) + quarter % 13
        }
        let all = weights.reduce(0, +)
        var amounts = weights.map { Int64(Int128(requests) * Int128($0) / Int128(all)) }
        amounts[0] += requests - amounts.reduce(0, +)
        let blocks = [("edge", "checkout", Int64(3)), ("edge", "search", 5), ("internal", "reports", 0)]
        var rest = amounts
        return blocks.map { gateway, service, share in
            let own = share == 0 ? rest : amounts.map { $0 * share / 10 }
            for index in rest.indices { rest[index] -= own[index] }
            return UsageBlock(
                gateway: gateway, service: service, quarterHours: quarters,
                quantities: ["requests": own, "sent_bytes": own.map { $0 * 900 / 4 }])
        }
    }

    private func readings(_ period: BillingPeriod) -> [MeterReading] {
        guard instances > 0 else { return [] }
        var rest = requests
        return (0..<instances).map { index in
            let own = index == instances - 1 ? rest : rest * 2 / Int64(instances - index + 1)
            rest -= own
            let opening = Int64(index) * 1_234_567
            let number = index < 10 ? "0\(index)" : "\(index)"
            return MeterReading(
                gateway: index % 5 == 4 ? "internal" : "edge", instance: "envoy-7f9c-\(number)", epoch: 3,
                counter: "http.tenant_acme.downstream_rq_completed", service: "checkout", dimension: "requests",
                spans: [
                    .init(
                        opening: opening, openedAt: "2026-09-30T21:59:57Z", closing: opening + own,
                        closedAt: "2026-10-31T22:59:58Z")
                ])
        }
    }
}

/// The shipped templates.
enum Templates {
    static func shipped() throws -> ReportTemplates { try ReportTemplates(directory: Shipped.path("reports")) }
}
