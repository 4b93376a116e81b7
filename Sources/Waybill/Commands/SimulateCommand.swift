import ArgumentParser
import LoadBalancerCosts
import Logging
import Pricing
import Savings
import UsageStore

/// `waybill simulate`: what if the same traffic had other habits, rules, a region or prices of another kind; and what a
/// spike of a tenant's traffic would add to its bill.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Show what another case would cost: of a gateway, or a spike of a tenant's traffic.",
        discussion: """
            Examples: waybill simulate --gateway edge --month 2026-11 --requests-factor 10 --rules 100
                      waybill simulate --traffic hours.json --requests-per-connection 1
                      waybill simulate --tenant acme --spike 10x --for 6h
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var options: ComparisonOptions

    @Option(help: "The metered gateway: node.cluster of its Envoys.")
    var gateway: String?

    @Option(
        help: ArgumentHelp(
            "Hours of traffic, JSON or CSV, in place of a gateway; - reads standard input.", valueName: "file|-"))
    var traffic: String?

    @Option(
        help: ArgumentHelp(
            "The month, as 2026-11; with --traffic the month whose price book holds.", valueName: "month"))
    var month: String?

    @Option(
        help: ArgumentHelp(
            "The IANA zone in which the month begins and ends; UTC, and a tenant's contract's, unless given.",
            valueName: "zone"))
    var zone: String?

    @Option(help: "The AWS region as it is. That of the traffic file, else us-east-1.")
    var fromRegion: String?

    @Option(help: "What if: this AWS region.")
    var region: String?

    @Option(help: ArgumentHelp("What if: so many times the requests.", valueName: "factor"))
    var requestsFactor: String?

    @Option(help: ArgumentHelp("What if: so many requests a connection; 1: no keep-alive.", valueName: "count"))
    var requestsPerConnection: String?

    @Option(help: ArgumentHelp("What if: so many bytes both ways per request.", valueName: "bytes"))
    var bytesPerRequest: String?

    @Option(help: ArgumentHelp("What if: so many rules are processed per request.", valueName: "count"))
    var rules: String?

    @Option(help: ArgumentHelp("What if: another assumption, as cross_zone=true; repeatable.", valueName: "name=value"))
    var set: [String] = []

    @Option(help: "A tenant whose bill a spike is added to, in place of a gateway.")
    var tenant: String?

    @Option(help: ArgumentHelp("With --tenant: so many times the usual traffic, as 10x.", valueName: "factor"))
    var spike: String?

    @Option(name: .customLong("for"), help: ArgumentHelp("With --tenant: how long, as 6h or 2d.", valueName: "hours"))
    var duration: String?

    @Option(
        help: ArgumentHelp(
            "With --tenant: at the hour of the week of this instant; the busiest unless given.", valueName: "instant"))
    var at: String?

    @Option(
        help: ArgumentHelp("With --tenant: know nothing after this instant; now unless given.", valueName: "instant"))
    var asOf: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func validate() throws {
        if tenant != nil {
            guard gateway == nil, traffic == nil else {
                throw ValidationError("--tenant excludes --gateway and --traffic: give one of them")
            }
            guard spike != nil, duration != nil else {
                throw ValidationError("--tenant needs --spike and --for, as --spike 10x --for 6h")
            }
            return
        }
        guard spike == nil, duration == nil, at == nil, asOf == nil else {
            throw ValidationError("--spike, --for, --at and --as-of need --tenant")
        }
        guard (gateway == nil) != (traffic == nil) else {
            throw ValidationError(
                "give --gateway G with --month M, --traffic FILE, or --tenant T with --spike 10x --for 6h")
        }
        guard gateway == nil || month != nil else { throw ValidationError("--gateway needs --month, as 2026-11") }
    }

    func run() async throws {
        if let tenant { return try await simulateSpike(tenant: tenant) }
        let period = try month.map { try billingPeriod($0) }
        var metered: MeteredMonth?
        if let gateway, let period {
            metered = try await database.withStore(logger: Logger.command) { store in
                try await store.meteredMonth(of: gateway, period)
            }
        }
        try costFailure {
            let simulation = try simulation(metered, period)
            switch format {
            case .table: print(simulation.table(), terminator: "")
            case .csv: print(simulation.csv(), terminator: "")
            case .json: try printJSON(simulation)
            }
        }
    }

    private func billingPeriod(_ month: String) throws -> BillingPeriod {
        do {
            return try BillingPeriod(month: month, zone: zone ?? "UTC")
        } catch {
            throw CommandError(.usage, error.message)
        }
    }

    private func simulation(_ metered: MeteredMonth?, _ period: BillingPeriod?) throws -> Simulation {
        let file = try traffic.map { try TrafficFile(readFile($0), name: $0 == "-" ? "standard input" : $0) }
        let hours = try metered?.hours ?? file?.series.hours ?? []
        let shipped = try PriceCatalogue.shipped()
        let catalogue = try options.pricing.catalogue(over: metered?.catalogue(over: shipped) ?? shipped)
        let place = place(file)
        var request = try options.request(
            catalogue, above: file?.assumptions ?? Assumptions(), region: place, isRated: period != nil)
        let assumptions = request.assumptions
        func compared(
            _ hours: [TrafficHour], _ assumptions: Assumptions, _ region: (name: String, source: String),
            isMetered: Bool
        ) throws -> Comparison {
            request.assumptions = assumptions
            (request.region, request.regionSource) = region
            return try request.comparison(
                of: hours, repeats: file?.series.repeats ?? 1, catalogue: catalogue, month: period,
                isMetered: isMetered, isPattern: metered == nil)
        }
        var (changed, changes) = try whatIf().applied(to: hours)
        var other = assumptions
        for text in set + (rules.map { ["rules=\($0)"] } ?? []) {
            try other.set(option: text, source: "what if")
        }
        for name in Assumptions.Name.allCases where other.text(name) != assumptions.text(name) {
            changes.append("\(name.rawValue) \(other.text(name)) instead of \(assumptions.text(name))")
        }
        if let region, region != place.name { changes.append("region \(region) instead of \(place.name)") }
        let now = try compared(hours, assumptions, place, isMetered: metered != nil)
        // Rules of a what-if stand in place of those that were counted.
        if other.source(.rules) == "what if" { request.adjustments.routes = nil }
        let then = try compared(changed, other, region.map { ($0, "--region") } ?? place, isMetered: false)
        return try Simulation(now: now, then: then, changes: changes)
    }

    private func whatIf() throws -> WhatIf {
        WhatIf(
            requestsFactor: try requestsFactor.map { try number($0, "--requests-factor") },
            requestsPerConnection: try requestsPerConnection.map {
                try number($0, "--requests-per-connection")
            },
            bytesPerRequest: try bytesPerRequest.map { try number($0, "--bytes-per-request") })
    }

    private func place(_ file: TrafficFile?) -> (name: String, source: String) {
        if let fromRegion { return (fromRegion, "--from-region") }
        if let region = file?.region { return (region, traffic ?? "") }
        return ("us-east-1", "default")
    }
}
