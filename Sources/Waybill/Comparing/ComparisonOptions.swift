import ArgumentParser
import LoadBalancerCosts
import Pricing

/// What `compare` and `simulate` suppose beside the traffic.
struct ComparisonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Alternatives as alb,nlb,clb,apigw-http, … or all; all unless given.", valueName: "keys"))
    var against: String?

    @Option(
        help: ArgumentHelp("An assumption, as rules=60; repeatable, above those of files.", valueName: "name=value"))
    var assume: [String] = []

    @Option(help: ArgumentHelp("A Kubernetes Service manifest to derive assumptions from.", valueName: "file"))
    var service: String?

    @Option(help: ArgumentHelp("An AWS price list whose prices stand above all others.", valueName: "file"))
    var priceList: String?

    @Option(
        help: ArgumentHelp(
            "The price book of the gateway's fee; config/price-books/standard.yaml unless given.", valueName: "file"))
    var priceBook: String?

    @Option(help: ArgumentHelp("The gateway's fee for the period, in place of a price book.", valueName: "amount"))
    var fee: String?

    @Option(
        name: .customLong("vcpu-per-1000"),
        help: ArgumentHelp("Envoy's vCPU per 1,000 requests a second.", valueName: "vcpu"))
    var vcpuPer1000: String?

    @Option(help: ArgumentHelp("The price of a vCPU-hour of Envoy's nodes.", valueName: "amount"))
    var vcpuHourPrice: String?

    @Option(help: "hourly: nodes follow the traffic; peak: they stand for the busiest hour.")
    var nodes: OwnGateway.Nodes = .hourly

    @Option(
        help: ArgumentHelp("The share of the cluster's own fee that the gateway bears, 0 to 1.", valueName: "share"))
    var clusterShare: String?

    @Option(help: ArgumentHelp("What people do to operate the gateway costs in the period.", valueName: "amount"))
    var operations: String?

    @Option(
        help: ArgumentHelp(
            "An NLB's health checks per hour and target; such connections are taken off.", valueName: "count"))
    var healthChecksPerHour: Int64?

    @Option(help: ArgumentHelp("The targets that are checked.", valueName: "count"))
    var targets: Int64?

    @Option(
        help: ArgumentHelp(
            "A month of this many hours, 720 or 730: idle ones are added or left away.", valueName: "count"))
    var hours: Int?

    /// What holds where no option is given.
    static func defaults() throws -> ComparisonOptions { try parse([]) }

    func validate() throws {
        if fee != nil, priceBook != nil { throw ValidationError("--fee and --price-book exclude each other: give one") }
        guard (healthChecksPerHour == nil) == (targets == nil) else {
            throw ValidationError("--health-checks-per-hour and --targets belong together")
        }
    }

    /// The alternatives that are named; nil for all.
    var alternatives: [String]? {
        guard let against, against != "all" else { return nil }
        return against.split(separator: ",").map(String.init)
    }

    /// Shipped prices, those of the database above them, those of `--price-list` above both.
    func catalogue(stored: [PriceRow] = []) throws -> PriceCatalogue {
        let catalogue = try PriceCatalogue.shipped().adding(stored)
        return try priceList.map { try catalogue.importing(PriceListImport.read($0)) } ?? catalogue
    }

    /// The manifest's assumptions, with those of `--assume` above them.
    func assumptions(_ manifest: ServiceManifest?, above base: Assumptions = Assumptions()) throws -> Assumptions {
        var assumptions = manifest?.assumptions ?? base
        for text in assume { try assumptions.set(option: text, source: "--assume") }
        return assumptions
    }

    func manifest(above base: Assumptions = Assumptions()) throws -> ServiceManifest? {
        try service.map { path in
            try ServiceManifest(String(decoding: readFile(path), as: UTF8.self), name: path, assumptions: base)
        }
    }

    /// Takes health checks off and brings the hours to `--hours`, saying both.
    func adjusted(_ hours: [TrafficHour]) throws -> (hours: [TrafficHour], notes: [String]) {
        var hours = hours
        var notes: [String] = []
        if let healthChecksPerHour, let targets {
            let (rest, taken) = try hours.withoutHealthChecks(perHourAndTarget: healthChecksPerHour, targets: targets)
            hours = rest
            notes.append(
                "\(taken) new connections are only health checks and were taken off "
                    + "(--health-checks-per-hour \(healthChecksPerHour), --targets \(targets))")
        }
        if let count = self.hours {
            let before = hours.count
            hours = try hours.month(ofHours: count)
            notes.append("a month of \(count) hours (--hours) in place of \(before)")
        }
        return (hours, notes)
    }

    /// The gateway of one's own; its fee is that of `--fee`, else the price book's for these requests and month.
    func gateway(_ catalogue: PriceCatalogue, requests: Fraction, month: BillingPeriod?) throws -> OwnGateway {
        var gateway = OwnGateway(sizing: catalogue.envoy, nodes: nodes)
        if let vcpuPer1000 {
            gateway.sizing.vcpuPer1000Requests = try Self.number(vcpuPer1000, "--vcpu-per-1000")
            gateway.sizing.source = "--vcpu-per-1000"
        }
        if let vcpuHourPrice { gateway.vcpuHourPrice = try Self.number(vcpuHourPrice, "--vcpu-hour-price") }
        if let operations { gateway.operations = try Self.number(operations, "--operations") }
        if let clusterShare {
            gateway.clusterShare = try Self.number(clusterShare, "--cluster-share")
            guard gateway.clusterShare <= .one else {
                throw CommandError(.usage, "--cluster-share is '\(clusterShare)': give a share from 0 to 1")
            }
        }
        if let fee {
            gateway.fee = try Self.number(fee, "--fee")
            gateway.feeSource = "--fee"
        } else if let month {
            try rate(requests, over: month, into: &gateway)
        } else if priceBook != nil {
            throw CommandError(.usage, "--price-book needs --month, whose version of the book is in force")
        }
        return gateway
    }

    private func rate(_ requests: Fraction, over month: BillingPeriod, into gateway: inout OwnGateway) throws {
        let path = try priceBook ?? ConfigurationFiles.file("config/price-books/standard.yaml")
        let book = try PriceBook.read(path)
        guard let whole = Int64(exactly: requests.roundedUp) else {
            throw CommandError(.usage, "\(requests) requests are more than a price book rates (9.2e18)")
        }
        let rating: Rating
        do {
            rating = try book.rate(["requests": whole], over: try month.rated())
        } catch {
            throw CommandError(.failure, "\(path): \(error)")
        }
        let major: Int128 = (0..<rating.version.currency.exponent).reduce(1) { power, _ in power * 10 }
        gateway.fee = try Fraction(rating.subtotal.minorUnits, over: major)
        gateway.feeCurrency = rating.version.currency.code
        gateway.feeSource =
            "price book \(book.id) of \(rating.version.effective)"
            + (priceBook == nil ? " (the shipped example; --price-book names yours)" : ", --price-book")
    }

    static func number(_ text: String, _ option: String) throws -> Fraction {
        guard let value = Fraction(decimal: text), !value.isNegative else {
            throw CommandError(.usage, "\(option) is '\(text)': give a finite number that is not negative")
        }
        return value
    }
}

extension OwnGateway.Nodes: ExpressibleByArgument {}
