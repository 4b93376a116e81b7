/// The prices that an AWS price list (offer AWSELB, JSON or CSV, regional or China) holds for load balancers.
///
/// Selected are rows with the location type `AWS Region` and one of five usage types, with no prefix or the region's
/// (`EU-`, `USE1-`, …), keyed by region, operation and usage. Outposts, Wavelength and Local Zone rows, idle capacity
/// and other terms than OnDemand are not. Exactly one price per item, or an error that lists the candidates.
package struct PriceListImport: Sendable {
    /// A price with its place in the file.
    package struct Selected: Hashable, Sendable {
        package let region: String
        package let item: PriceItem
        package let price: ListPrice
        package let sku: String
    }

    /// Files above this are refused: the regional file has the same rows and is a hundred times smaller.
    package static let maximumBytes: Int64 = 256 << 20

    package let version: String
    package let publicationDate: String
    /// By region, then item.
    package let selected: [Selected]
    /// Rows of the offer that are no load balancer price of a region.
    package let leftOut: Int

    /// Throws `.invalidInput` for another offer or shape, `.ambiguousPrice` for several prices of one item,
    /// `.mixedCurrencies` for a region priced in two.
    package init(_ bytes: [UInt8], name: String) throws {
        try Self.checkSize(Int64(bytes.count), name: name)
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        let offer =
            first == UInt8(ascii: "{") ? try PriceListOffer(json: bytes, name) : try PriceListOffer(csv: bytes, name)
        guard offer.code == "AWSELB" else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name) is the offer '\(offer.code)': give AWSELB (the rows of AmazonEC2 are the same load balancers twice)"
            )
        }
        version = offer.version
        publicationDate = offer.publicationDate
        var candidates: [PriceKey: [Selected]] = [:]
        var leftOut = 0
        for row in offer.rows {
            guard let (region, item) = try row.item(name) else {
                leftOut += 1
                continue
            }
            let price = ListPrice(
                amount: try row.amount(name), currency: row.currency,
                source: "AWS price list AWSELB \(offer.version)", date: String(row.effectiveDate.prefix(10)),
                inferred: false)
            candidates[PriceKey(region: region, item: item), default: []].append(
                Selected(region: region, item: item, price: price, sku: row.sku))
        }
        self.leftOut = leftOut
        selected = try Self.unique(candidates, name)
        guard !selected.isEmpty else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name) holds no load balancer price of an AWS region (\(leftOut) other rows): "
                    + "give index.json or index.csv of the offer AWSELB")
        }
    }

    /// Throws for a file above `maximumBytes`; call it before reading.
    package static func checkSize(_ bytes: Int64, name: String) throws {
        guard bytes <= maximumBytes else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name) has \(bytes) bytes, above \(maximumBytes): fetch the file of one region instead, "
                    + "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSELB/current/<region>/index.json")
        }
    }

    private struct PriceKey: Hashable {
        let region: String
        let item: PriceItem
    }

    private static func unique(_ candidates: [PriceKey: [Selected]], _ name: String) throws -> [Selected] {
        var currencies: [String: Set<String>] = [:]
        for (key, found) in candidates {
            currencies[key.region, default: []].formUnion(found.map(\.price.currency))
            guard found.count == 1 else {
                let list = found.map { "\($0.sku) \($0.price.amount) \($0.price.currency) from \($0.price.date)" }
                    .sorted()
                throw LoadBalancerCostError(
                    .ambiguousPrice,
                    "\(name): \(found.count) prices for \(key.item.rawValue) in \(key.region), expected one: "
                        + list.joined(separator: "; "))
            }
        }
        for (region, currencies) in currencies where currencies.count > 1 {
            throw LoadBalancerCostError(
                .mixedCurrencies,
                "\(name): \(region) is priced in \(currencies.sorted().joined(separator: " and ")): "
                    + "import a file with one currency a region")
        }
        return candidates.values.flatMap { $0 }.sorted {
            ($0.region, $0.item.rawValue) < ($1.region, $1.item.rawValue)
        }
    }
}
