import ArgumentParser
import Foundation
import LoadBalancerCosts

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
        help: ArgumentHelp("Hours: of the flat month (730), or a multiple of the hours listed.", valueName: "count"))
    var hours: Int64?

    @Option(
        help: ArgumentHelp("An assumption, as rules=60; repeatable, above those of the files.", valueName: "name=value")
    )
    var assume: [String] = []

    @Option(help: ArgumentHelp("A Kubernetes Service manifest to derive assumptions from.", valueName: "file"))
    var service: String?

    @Option(help: ArgumentHelp("An AWS price list whose prices stand above the shipped ones.", valueName: "file"))
    var priceList: String?

    @Option(
        help: ArgumentHelp(
            "Compare a gateway of one's own with these: alb, nlb, clb, apigw-http, … or all.", valueName: "keys"))
    var against: String?

    @Option(help: ArgumentHelp("The gateway's fee for this traffic, for --against.", valueName: "amount"))
    var fee: String?

    @Option(
        name: .customLong("vcpu-per-1000"),
        help: ArgumentHelp("Envoy's vCPU per 1,000 requests a second, for --against.", valueName: "vcpu"))
    var vcpuPer1000: String?

    @Option(help: ArgumentHelp("The price of a vCPU-hour of Envoy's nodes, for --against.", valueName: "amount"))
    var vcpuHourPrice: String?

    @Option(help: "table, json or csv.")
    var format: Format = .table

    func run() throws {
        try costFailure {
            let shipped = try PriceCatalogue.shipped()
            let catalogue = try priceList.map { try shipped.importing(PriceListImport.read($0)) } ?? shipped
            let manifest = try service.map { path in
                try ServiceManifest(String(decoding: readFile(path), as: UTF8.self), name: path)
            }
            var file = try input(assumptions: manifest?.assumptions ?? Assumptions())
            for text in assume { try file.assumptions.set(option: text, source: "--assume") }
            let (region, source) = place(file.region)
            let notes = try manifest?.notes(file.series, file.assumptions, catalogue: catalogue, region: region) ?? []
            if let against {
                return try compare(file, catalogue, region: (region, source), notes: notes, against: against)
            }
            let answer = try CostAnswer(
                file.series, file.assumptions, catalogue: catalogue, region: region, regionSource: source, notes: notes)
            switch format {
            case .table: print(answer.table(), terminator: "")
            case .csv: print(answer.csv(), terminator: "")
            case .json: try printJSON(answer)
            }
        }
    }

    private func compare(
        _ file: TrafficFile, _ catalogue: PriceCatalogue, region: (name: String, source: String), notes: [String],
        against: String
    ) throws {
        var gateway = OwnGateway(sizing: catalogue.envoy)
        if let fee {
            gateway.fee = try number(fee, "--fee")
            gateway.feeSource = "--fee"
        }
        if let vcpuPer1000 {
            gateway.sizing.vcpuPer1000Requests = try number(vcpuPer1000, "--vcpu-per-1000")
            gateway.sizing.source = "--vcpu-per-1000"
        }
        if let vcpuHourPrice { gateway.vcpuHourPrice = try number(vcpuHourPrice, "--vcpu-hour-price") }
        let keys = against == "all" ? nil : against.split(separator: ",").map(String.init)
        let comparison = try Comparison(
            file.series, file.assumptions, own: gateway, catalogue: catalogue, region: region.name,
            regionSource: region.source, against: keys, notes: notes)
        switch format {
        case .table: print(comparison.table(), terminator: "")
        case .csv: print(comparison.csv(), terminator: "")
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
            var file = try TrafficFile(readFile(traffic), name: name, assumptions: assumptions)
            if let hours { file.series = try file.series.repeated(toHours: hours) }
            return file
        }
        guard monthlyRequests != nil else {
            throw CommandError(.usage, "give --traffic FILE (- for standard input) or --monthly-requests N")
        }
        return TrafficFile(
            region: nil, assumptions: assumptions,
            series: try .flat(
                monthlyRequests: number(monthlyRequests, "--monthly-requests"),
                bytesPerRequest: number(bytesPerRequest, "--bytes-per-request"),
                requestsPerConnection: number(requestsPerConnection, "--requests-per-connection"),
                connectionSeconds: number(connectionSeconds, "--connection-seconds"), hours: hours ?? 730))
    }

    private func number(_ text: String?, _ option: String) throws -> Fraction {
        guard let text else { throw CommandError(.usage, "\(option) is missing: a flat month needs it") }
        guard let value = Fraction(decimal: text), !value.isNegative else {
            throw CommandError(.usage, "\(option) is '\(text)': give a finite number that is not negative")
        }
        return value
    }
}

extension PriceCatalogue {
    /// What is shipped in config/prices.
    static func shipped() throws -> PriceCatalogue {
        let directory = try ConfigurationFiles.directory("config/prices")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
            .sorted()
        return try PriceCatalogue(
            files: names.map { name in
                PriceFile(
                    name: "\(directory)/\(name)",
                    text: String(decoding: try readFile("\(directory)/\(name)"), as: UTF8.self))
            })
    }
}

/// Runs `body`, giving the errors of the cost model their exit codes: 2 for input, 1 for the rest.
func costFailure(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as LoadBalancerCostError {
        throw CommandError(error.code == .invalidInput ? .usage : .failure, error.message)
    }
}

/// The bytes of a file, or of standard input for `-`. At most `limit` bytes.
func readFile(_ path: String, limit: Int = 1 << 30) throws -> [UInt8] {
    let handle: FileHandle
    if path == "-" {
        handle = .standardInput
    } else {
        guard let opened = FileHandle(forReadingAtPath: path) else {
            throw CommandError(.usage, "\(path) can not be read: check the path and its permissions")
        }
        handle = opened
    }
    do {
        return [UInt8](try handle.read(upToCount: limit) ?? Data())
    } catch {
        throw CommandError(.failure, "\(path) can not be read: \(error.localizedDescription)")
    }
}

/// Prints a value as JSON with keys in order.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
