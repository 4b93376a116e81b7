import ArgumentParser
import LoadBalancerCosts

/// `waybill cloudwatch`: what an existing load balancer costs, and the same traffic behind a gateway. Pure: no database.
struct CloudWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cloudwatch",
        abstract: "Price an existing load balancer from CloudWatch files or ALB access logs.",
        discussion: """
            The files are the output of get-metric-data or get-metric-statistics (statistic Sum); unpacked ALB access
            logs are read as an estimate. --command prints the AWS CLI command that makes the file:
            waybill cloudwatch --command --kind alb --load-balancer app/shop-alb/50dc6c495c0c9188 \\
                --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z
            """)

    /// How the answer is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    @Argument(help: ArgumentHelp("CloudWatch output or access logs.", valueName: "file"))
    var files: [String] = []

    @Option(help: ArgumentHelp("alb, nlb or clb; decided by the metrics unless given.", valueName: "kind"))
    var kind: String?

    @Option(help: "The AWS region of the prices. us-east-1 unless given.")
    var region: String = "us-east-1"

    @Flag(help: "Print the AWS CLI command that makes the file, and nothing else.")
    var command = false

    @Option(help: ArgumentHelp("The load balancer of --command, as CloudWatch names it.", valueName: "name"))
    var loadBalancer: String?

    @Option(help: ArgumentHelp("Where the period begins; hours without a point are idle.", valueName: "instant"))
    var from: String?

    @Option(help: ArgumentHelp("Where the period ends.", valueName: "instant"))
    var to: String?

    @Option(help: "table or json.")
    var format: Format = .table

    @OptionGroup var pricing: PricingOptions
    @OptionGroup(title: "A gateway of one's own") var own: OwnGatewayOptions

    func run() throws {
        try costFailure {
            let kind = try chosenKind()
            if command { return try printCommand(kind ?? .alb) }
            guard !files.isEmpty else {
                throw CommandError(.usage, "give at least one file, or --command to learn how to make it")
            }
            let manifest = try pricing.manifest()
            let assumptions = try pricing.assumed(above: manifest?.assumptions ?? Assumptions())
            let catalogue = try pricing.catalogue(over: .shipped())
            let read = try files.map { (name: $0, bytes: try readFile($0)) }
            if read.allSatisfy({ AccessLogEstimate.recognises($0.bytes) }) {
                return try answer(AccessLogEstimate(read), assumptions, catalogue)
            }
            var metrics = try CloudWatchMetrics(read, kind: kind)
            switch (from, to) {
            case (nil, nil): break
            case (let from?, let to?): try metrics.fill(from: from, to: to)
            default: throw CommandError(.usage, "--from and --to belong together")
            }
            let answer = try CloudWatchAnswer(
                metrics, assumptions, own: own.gateway(catalogue), catalogue: catalogue, region: region)
            switch format {
            case .table: print(answer.table(), terminator: "")
            case .json: try printJSON(answer)
            }
        }
    }

    private func answer(_ log: AccessLogEstimate, _ assumptions: Assumptions, _ catalogue: PriceCatalogue) throws {
        let answer = try CostAnswer(
            log.series, assumptions, catalogue: catalogue, region: region, regionSource: "--region", notes: [log.note])
        switch format {
        case .table: print("estimate\n" + answer.table(), terminator: "")
        case .json: try printJSON(answer)
        }
    }

    private func chosenKind() throws -> LoadBalancerKind? {
        guard let kind else { return nil }
        guard let chosen = LoadBalancerKind(rawValue: kind) else {
            throw CommandError(.usage, "--kind is '\(kind)': give alb, nlb or clb")
        }
        return chosen
    }

    private func printCommand(_ kind: LoadBalancerKind) throws {
        guard let loadBalancer, let from, let to else {
            throw CommandError(.usage, "--command needs --load-balancer, --from and --to")
        }
        print(try CloudWatchMetrics.command(kind, loadBalancer: loadBalancer, from: from, to: to))
    }
}
