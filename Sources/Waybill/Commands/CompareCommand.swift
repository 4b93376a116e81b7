import ArgumentParser
import LoadBalancerCosts
import Logging
import Savings
import UsageStore

/// `waybill compare`: what AWS's load balancers would have cost for a gateway's metered traffic.
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare a gateway's month with ALB, NLB, Classic and others.",
        discussion: """
            Hours without traffic cost too: from the month's start, or the first traffic where metering began inside it,
            to the month's end, or to the last hour with traffic in the running month.
            Example: waybill compare --gateway edge --month 2026-11 --against alb,nlb
            Assumptions: \(Assumptions.Name.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var options: ComparisonOptions

    @Option(help: "The gateway: node.cluster of its Envoys.")
    var gateway: String

    @Option(help: "The AWS region whose prices hold. us-east-1 unless given.")
    var region: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func run() async throws {
        let month = try period.period()
        let metered = try await database.withStore(logger: Logger.command) { store in
            try await store.meteredMonth(of: gateway, month)
        }
        try costFailure {
            let catalogue = try options.pricing.catalogue(over: metered.catalogue(over: .shipped()))
            let request = try options.request(
                catalogue, region: (region ?? "us-east-1", region == nil ? "default" : "--region"), isRated: true)
            let comparison = try metered.comparison(request, catalogue: catalogue)
            switch format {
            case .table: print(comparison.table(), terminator: "")
            case .csv: print(comparison.csv(), terminator: "")
            case .json: try printJSON(comparison)
            }
        }
    }
}
