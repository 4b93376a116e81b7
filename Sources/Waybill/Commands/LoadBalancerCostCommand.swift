import ArgumentParser
import LoadBalancerCosts
import Savings

/// `waybill lb-cost`: what ALB, NLB and Classic would cost for given traffic. Pure: no database.
struct LoadBalancerCostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lb-cost",
        abstract: "Price given traffic as AWS load balancers, hour by hour, without a database.",
        discussion: """
            Examples: waybill lb-cost --traffic hours.json --format json
                      waybill lb-cost --monthly-requests 1000000000 --bytes-per-request 5000 \\
                          --requests-per-connection 50 --connection-seconds 60 --assume rules=100
            Assumptions: \(Assumptions.Name.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    /// How the answer is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @Option(help: ArgumentHelp("Hours of traffic, JSON or CSV; - reads standard input.", valueName: "file|-"))
    var traffic: String?

    @Option(help: "The AWS region; overrides that of the traffic file. us-east-1 unless given.")
    var region: String?

    @Option(help: ArgumentHelp("A flat month of this many requests, in place of a traffic file.", valueName: "count"))
    var monthlyRequests: String?

    @Option(help: ArgumentHelp("Bytes both ways per request of the flat month.", valueName: "bytes"))
    var bytesPerRequest: String?

    @Option(help: ArgumentHelp("Requests per connection of the flat month; 1: no keep-alive.", valueName: "count"))
    var requestsPerConnection: String?

    @Option(help: ArgumentHelp("How long a connection of the flat month lasts.", valueName: "seconds"))
    var connectionSeconds: String?

    @Option(
        help: ArgumentHelp(
            "Compare a gateway of one's own with these: alb, nlb, clb, apigw-http, … or all.", valueName: "keys"))
    var against: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    @OptionGroup var pricing: PricingOptions
    @OptionGroup(title: "A gateway of one's own (--against)") var own: OwnGatewayOptions
    @OptionGroup var adjusting: TrafficOptions

    func run() throws {
        try costFailure {
            let catalogue = try pricing.catalogue(over: .shipped())
            let manifest = try pricing.manifest()
            let file = try input(assumptions: manifest?.assumptions ?? Assumptions())
            var request = ComparisonRequest()
            (request.region, request.regionSource) = place(file.region)
            request.manifest = manifest
            request.assumptions = try pricing.assumed(above: file.assumptions)
            request.adjustments = try adjusting.adjustments()
            // A flat month has its hours already.
            if traffic == nil { request.adjustments.hours = nil }
            let hours = try file.series.hours
            if let against {
                request.against = ComparisonOptions.keys(against)
                request.gateway = try own.gateway(catalogue)
                return try print(
                    request.comparison(
                        of: hours, repeats: file.series.repeats, catalogue: catalogue, month: nil, isMetered: false))
            }
            var assumptions = request.assumptions
            let (series, notes) = try request.adjustments.series(
                hours, repeats: file.series.repeats, isPattern: true,
                freeRules: catalogue.capacityUnits.application.freeRules, &assumptions)
            let switches =
                try manifest?.notes(series, assumptions, catalogue: catalogue, region: request.region) ?? []
            let answer = try CostAnswer(
                series, assumptions, catalogue: catalogue, region: request.region, regionSource: request.regionSource,
                notes: notes + switches)
            switch format {
            case .table: Swift.print(answer.table(), terminator: "")
            case .csv: Swift.print(answer.csv(), terminator: "")
            case .json: try printJSON(answer)
            }
        }
    }

    private func print(_ comparison: Comparison) throws {
        switch format {
        case .table: Swift.print(comparison.table(), terminator: "")
        case .csv: Swift.print(comparison.csv(), terminator: "")
        case .json: try printJSON(comparison)
        }
    }

    private func place(_ inFile: String?) -> (region: String, source: String) {
        if let region { return (region, "--region") }
        if let inFile { return (inFile, traffic ?? "the traffic file") }
        return ("us-east-1", "default")
    }

    private func input(assumptions: Assumptions) throws -> TrafficFile {
        if let traffic {
            guard monthlyRequests == nil else {
                throw CommandError(.usage, "--traffic and --monthly-requests exclude each other: give one")
            }
            let name = traffic == "-" ? "standard input" : traffic
            return try TrafficFile(readFile(traffic), name: name, assumptions: assumptions)
        }
        guard monthlyRequests != nil else {
            throw CommandError(.usage, "give --traffic FILE (- for standard input) or --monthly-requests N")
        }
        return TrafficFile(
            region: nil, assumptions: assumptions,
            series: try .flat(
                monthlyRequests: required(monthlyRequests, "--monthly-requests"),
                bytesPerRequest: required(bytesPerRequest, "--bytes-per-request"),
                requestsPerConnection: required(requestsPerConnection, "--requests-per-connection"),
                connectionSeconds: required(connectionSeconds, "--connection-seconds"), hours: adjusting.hours ?? 730))
    }

    private func required(_ text: String?, _ option: String) throws -> Fraction {
        guard let text else { throw CommandError(.usage, "\(option) is missing: a flat month needs it") }
        return try number(text, option)
    }
}
