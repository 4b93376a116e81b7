import ArgumentParser
import LoadBalancerCosts
import Pricing
import Savings

/// What `compare`, `simulate` and the savings report suppose beside the traffic.
struct ComparisonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Alternatives as alb,nlb,clb,apigw-http, … or all; all unless given.", valueName: "keys"))
    var against: String?

    @Option(
        help: ArgumentHelp(
            "The price book of the gateway's fee; config/price-books/standard.yaml unless given.", valueName: "file"))
    var priceBook: String?

    @OptionGroup var pricing: PricingOptions
    @OptionGroup var own: OwnGatewayOptions
    @OptionGroup var traffic: TrafficOptions

    func validate() throws {
        if own.fee != nil, priceBook != nil {
            throw ValidationError("--fee and --price-book exclude each other: give one")
        }
    }

    /// - Parameters:
    ///   - base: assumptions of another file, which a manifest and `--assume` stand above.
    ///   - isRated: whether the fee is a price book's; it then needs a month.
    func request(
        _ catalogue: PriceCatalogue, above base: Assumptions = Assumptions(),
        region: (name: String, source: String), isRated: Bool
    ) throws -> ComparisonRequest {
        var request = ComparisonRequest()
        (request.region, request.regionSource) = region
        request.against = against.flatMap(Self.keys)
        request.manifest = try pricing.manifest(above: base)
        request.assumptions = try pricing.assumed(above: request.manifest?.assumptions ?? base)
        request.gateway = try own.gateway(catalogue)
        request.adjustments = try traffic.adjustments()
        if isRated, own.fee == nil {
            let path = try priceBook ?? ConfigurationFiles.file("config/price-books/standard.yaml")
            request.feeBook = .init(
                try PriceBook.read(path),
                source: priceBook == nil ? " (the shipped example; --price-book names yours)" : ", --price-book")
        } else if priceBook != nil {
            throw CommandError(.usage, "--price-book needs --month, whose version of the book is in force")
        }
        return request
    }

    /// The keys of `--against`; nil for all.
    static func keys(_ text: String) -> [String]? {
        guard text != "all" else { return nil }
        return text.split(separator: ",").map { String($0.drop { $0 == " " }) }
    }
}
