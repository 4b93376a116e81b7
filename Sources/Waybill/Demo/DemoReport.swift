import ArgumentParser
import Billing
import LoadBalancerCosts
import Metering
import Pricing
import Reports
import Savings
import UsageStore

/// What the demo shows at its end: sent against metered, an invoice, and the comparison with load balancers.
struct DemoReport {
    let store: UsageStore
    let gateway: String
    let period: (month: String, period: BillingPeriod)
    /// Where the exported invoice is written.
    let folder: String
    /// Where the reports are left as files.
    let reports: String

    func show(sent: [String: Int64]) async throws {
        var table = TextTable([.left, .right, .right, .right, .right])
        table.add("tenant", "answered", "metered", "difference", "coverage")
        table.addRule()
        var differences: [String] = []
        let book = try PriceBook.read(ConfigurationFiles.file("config/price-books/demo.yaml"))
        for (tenant, answered) in sent.sorted(by: { $0.key < $1.key }) {
            let usage = try await store.monthlyUsage(
                tenant: tenant, month: period.month, zone: "UTC", from: period.period.startTime,
                to: period.period.endTime)
            if usage.requests != answered { differences.append(tenant) }
            table.add(
                tenant, Digits.grouped(answered), Digits.grouped(usage.requests),
                Digits.grouped(usage.requests - answered), usage.coverage.percent + " %")
        }
        print("Sent and metered\n\n\(table.text)\n")
        if let tenant = sent.keys.sorted().last {
            try await DemoInvoice(billing: BillingStore(store), tenant: tenant, period: period.period, folder: folder)
                .show(book)
        }
        try await compare()
        if let tenant = sent.keys.sorted().last {
            try await DemoFiles(folder: reports, store: store, gateway: gateway, period: period).write(tenant: tenant)
        }
        guard differences.isEmpty else {
            throw CommandError(.failure, "metered differs from sent for \(differences.joined(separator: ", "))")
        }
    }

    private func compare() async throws {
        let metered = try await store.meteredMonth(of: gateway, period.period)
        try costFailure {
            let catalogue = try metered.catalogue(over: .shipped())
            var request = try ComparisonOptions.parse([]).request(
                catalogue, region: ("us-east-1", "default"), isRated: true)
            request.against = ["alb", "nlb", "clb"]
            let comparison = try metered.comparison(request, catalogue: catalogue)
            print("The same traffic behind AWS's load balancers\n\n\(comparison.table())")
        }
    }
}
