import ArgumentParser
import LoadBalancerCosts

/// By which assumptions and prices traffic is priced.
struct PricingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("An assumption, as rules=60; repeatable, above those of files.", valueName: "name=value"))
    var assume: [String] = []

    @Option(help: ArgumentHelp("A Kubernetes Service manifest to derive assumptions from.", valueName: "file"))
    var service: String?

    @Option(
        help: ArgumentHelp(
            "An AWS price list, or a file like those of config/prices, whose prices stand above all others.",
            valueName: "file"))
    var priceList: String?

    /// The manifest of `--service`, above assumptions of another origin.
    func manifest(above base: Assumptions = Assumptions()) throws -> ServiceManifest? {
        try service.map { path in
            try ServiceManifest(String(decoding: readFile(path), as: UTF8.self), name: path, assumptions: base)
        }
    }

    /// These assumptions with those of `--assume` above them.
    func assumed(above base: Assumptions) throws -> Assumptions {
        var assumptions = base
        for text in assume { try assumptions.set(option: text, source: "--assume") }
        return assumptions
    }

    /// A catalogue with the prices of `--price-list` above its own.
    func catalogue(over catalogue: PriceCatalogue) throws -> PriceCatalogue {
        guard let priceList else { return catalogue }
        return switch try PriceListFile.read(priceList) {
        case .offer(let list): try catalogue.importing(list)
        case .own(let contents): try catalogue.adding(contents)
        }
    }
}
