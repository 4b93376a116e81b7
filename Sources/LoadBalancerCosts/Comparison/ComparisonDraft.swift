/// The alternatives as they are priced one by one.
struct ComparisonDraft {
    private let series: TrafficSeries
    private let assumptions: Assumptions
    private let own: Comparison.Row
    /// The Network Load Balancer of `own`, which is an alternative by itself.
    private let balancer: NetworkLoadBalancerCost
    private let catalogue: PriceCatalogue
    private let region: String
    private let currency: String
    private(set) var rows: [Comparison.Row] = []
    private(set) var unavailable: [String: String] = [:]
    private(set) var applicationUse: CapacityUse?

    init(
        _ series: TrafficSeries, _ assumptions: Assumptions, _ own: Comparison.Row,
        _ balancer: NetworkLoadBalancerCost, _ catalogue: PriceCatalogue,
        _ region: String, _ currency: String
    ) {
        self.series = series
        self.assumptions = assumptions
        self.own = own
        self.balancer = balancer
        self.catalogue = catalogue
        self.region = region
        self.currency = currency
    }

    /// Adds an alternative, or why it can not be priced. Throws for a key that is none.
    mutating func add(_ key: String) throws {
        do {
            rows.append(try compared(priced(key)))
        } catch let error as LoadBalancerCostError where [.missingPrice, .mixedCurrencies].contains(error.code) {
            unavailable[key] = error.message
        }
    }

    private mutating func priced(_ key: String) throws -> Comparison.Row {
        switch key {
        case "alb":
            let cost = try ApplicationLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
            applicationUse = cost.use
            var row = Comparison.Row(key: key, name: "Application Load Balancer")
            row.hours = try cost.hourCharge + cost.trustStoreCharge
            row.units = try cost.lcuCharge + cost.reservationCharge
            row.bindingHours = cost.use.bindingHours
            return row
        case "nlb":
            var row = Comparison.Row(key: key, name: "Network Load Balancer alone")
            row.hours = balancer.hourCharge
            row.units = balancer.unitCharge
            row.data = own.data
            row.bindingHours = own.bindingHours
            return row
        case "clb":
            let cost = try ClassicLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
            var row = Comparison.Row(key: key, name: "Classic Load Balancer")
            row.hours = cost.hourCharge
            row.units = cost.dataCharge
            return row
        case "gwlb":
            let cost = try GatewayLoadBalancerCost(series, assumptions, catalogue: catalogue, region: region)
            var row = Comparison.Row(key: key, name: "Gateway Load Balancer")
            row.hours = cost.hourCharge
            row.units = cost.unitCharge
            row.data = cost.dataCharge
            row.bindingHours = cost.use.bindingHours
            return row
        default: return try requestPriced(key)
        }
    }

    private func requestPriced(_ key: String) throws -> Comparison.Row {
        guard let gateway = catalogue.gateways[key] else {
            throw LoadBalancerCostError(
                .invalidInput,
                "'\(key)' is not an alternative; known: "
                    + (Comparison.alternatives(in: catalogue) + ["gwlb"]).joined(separator: ", ")
            )
        }
        guard gateway.currency == currency else {
            throw LoadBalancerCostError(
                .mixedCurrencies, "priced in \(gateway.currency), \(region) in \(currency): not compared")
        }
        let cost = try gateway.cost(of: series)
        var row = Comparison.Row(key: key, name: gateway.name)
        row.hours = cost.fixed
        row.units = cost.requests
        row.data = cost.data
        row.leftOut = gateway.leftOut
        return row
    }

    private func compared(_ priced: Comparison.Row) throws -> Comparison.Row {
        var row = priced
        row.total = try row.sum()
        let saving = try row.total - own.total
        row.saving = saving
        row.savingPercent = row.total.isZero ? nil : try saving * 100 / row.total
        let requests = series.totals.requests
        row.breakEvenFeePerBillion =
            requests.isZero ? nil : try (row.total - (own.total - own.fee)) * 1_000_000_000 / requests
        return row
    }
}
