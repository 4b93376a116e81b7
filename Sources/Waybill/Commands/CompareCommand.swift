import ArgumentParser
import Foundation
import LoadBalancerCosts
import Logging
import Metering
import Pricing
import UsageStore

/// `waybill compare`: what AWS's load balancers would have cost for a gateway's metered traffic.
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare a gateway's month with ALB, NLB, Classic and others.",
        discussion: "Example: waybill compare --gateway edge --month 2026-11 --against alb,nlb")

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, csv
    }

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var period: PeriodOptions

    @Option(help: "The gateway: node.cluster of its Envoys.")
    var gateway: String

    @Option(help: "The AWS region whose prices hold.")
    var region = "us-east-1"

    @Option(help: ArgumentHelp("Alternatives, comma-separated; all unless given.", valueName: "keys"))
    var against: String?

    @Option(help: ArgumentHelp("A price book whose charge on requests is the gateway's fee.", valueName: "file"))
    var priceBook: String?

    @Option(help: ArgumentHelp("An assumption, as rules=60; repeatable.", valueName: "name=value"))
    var assume: [String] = []

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func run() async throws {
        let month = try period.period()
        let hours = try await database.withStore(logger: Logger.command) { store in
            try await store.hourlyTraffic(gateway: gateway, from: month.startTime, to: month.endTime)
        }
        try costFailure {
            let comparison = try Self.comparison(
                hours, month: month, region: region, priceBook: try priceBook ?? Self.standardBook(), assume: assume,
                against: against?.split(separator: ",").map(String.init))
            switch format {
            case .table: print(comparison.table(), terminator: "")
            case .csv: print(comparison.csv(), terminator: "")
            case .json: try printJSON(comparison)
            }
        }
    }

    static func standardBook() throws -> String {
        try ConfigurationFiles.file("config/price-books/standard.yaml")
    }

    /// The comparison of metered hours, with the fee by a price book for the same requests.
    static func comparison(
        _ hours: [HourlyTraffic], month: BillingPeriod, region: String, priceBook: String, assume: [String] = [],
        against: [String]? = nil
    ) throws -> Comparison {
        guard !hours.isEmpty else {
            throw CommandError(.failure, "there is no traffic between \(month.start) and \(month.end) to compare")
        }
        let catalogue = try PriceCatalogue.shipped()
        var assumptions = Assumptions()
        for text in assume { try assumptions.set(option: text, source: "--assume") }
        let series = try TrafficSeries(hours.map { try TrafficHour($0) })
        let book = try PriceBook.read(priceBook)
        let requests = hours.reduce(0) { $0 + $1.requests }
        let fee: Rating
        do {
            fee = try book.rate(["requests": requests], over: try month.rated())
        } catch {
            throw CommandError(.failure, "\(priceBook): \(error)")
        }
        var gateway = OwnGateway(sizing: catalogue.envoy)
        gateway.fee = try Fraction(fee.subtotal.minorUnits, over: fee.subtotal.minorPerMajor)
        gateway.feeCurrency = fee.version.currency.code
        gateway.feeSource = "price book \(book.id) of \(fee.version.effective)"
        return try Comparison(
            series, assumptions, own: gateway, catalogue: catalogue, region: region, against: against)
    }
}

extension TrafficHour {
    /// A metered hour. Connections are in millionths, so that their mean is exact.
    init(_ hour: HourlyTraffic) throws {
        self.init(
            start: hour.start.microseconds, requests: hour.requests, newConnections: hour.newConnections,
            activeConnections: try Fraction(Int128(hour.activeConnectionMicros), over: 1_000_000), bytes: hour.bytes,
            spread: hour.carriedSince.map { hour.start.microseconds(since: $0) > 60_000_000 } ?? false)
    }
}

extension Money {
    /// How many minor units make a major one: 100 for USD.
    var minorPerMajor: Int128 {
        (0..<currency.exponent).reduce(1) { power, _ in power * 10 }
    }
}
