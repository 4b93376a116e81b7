/// A price with its region and item, as lists show it.
package struct PriceRow: Sendable, Encodable {
    package let region: String
    package let item: String
    package let price: ListPrice

    package init(region: String, item: String, price: ListPrice) {
        self.region = region
        self.item = item
        self.price = price
    }

    package static func table(_ rows: [PriceRow]) -> String {
        var table = TextTable(["region", "item", "price", "", "date", "source"], right: [2])
        for row in rows {
            table.add([
                row.region, row.item, "\(row.price.amount)", row.price.currency, row.price.date,
                row.price.source + (row.price.inferred ? " (inferred)" : ""),
            ])
        }
        return table.text
    }

    package static func csv(_ rows: [PriceRow]) -> String {
        (["region,item,amount,currency,date,inferred,source"]
            + rows.map { row in
                let source = row.price.source.split(separator: "\"", omittingEmptySubsequences: false).joined(
                    separator: "\"\"")
                return "\(row.region),\(row.item),\(row.price.amount),\(row.price.currency),\(row.price.date),"
                    + "\(row.price.inferred),\"\(source)\""
            }).joined(separator: "\n") + "\n"
    }
}

extension PriceCatalogue {
    /// Every price, by region and item.
    package var rows: [PriceRow] {
        regions.sorted { $0.key < $1.key }.flatMap { name, region in
            region.prices.sorted { $0.key.rawValue < $1.key.rawValue }.map { item, price in
                PriceRow(region: name, item: item.rawValue, price: price)
            }
        }
    }
}

extension PriceCatalogue {
    /// The catalogue with these prices above its own; the other items of their regions stay.
    ///
    /// Throws `.invalidInput` for an item that is none, `.mixedCurrencies` for another currency than the region's.
    package func adding(_ rows: [PriceRow]) throws -> PriceCatalogue {
        var catalogue = self
        for row in rows {
            guard let item = PriceItem(rawValue: row.item) else {
                throw LoadBalancerCostError(
                    .invalidInput, "\(row.item) of \(row.region) (\(row.price.source)) is no item that has a price")
            }
            var region = catalogue.regions[row.region] ?? Region(currency: row.price.currency, prices: [:])
            guard region.currency == row.price.currency else {
                throw LoadBalancerCostError(
                    .mixedCurrencies,
                    "\(row.region) is priced in \(region.currency) in the catalogue and in "
                        + "\(row.price.currency) in \(row.price.source): keep them apart")
            }
            region.prices[item] = row.price
            catalogue.regions[row.region] = region
        }
        return catalogue
    }

    /// The catalogue with an import's prices above its own.
    package func importing(_ list: PriceListImport) throws -> PriceCatalogue { try adding(list.rows) }
}

extension PriceListImport {
    package var rows: [PriceRow] {
        selected.map { PriceRow(region: $0.region, item: $0.item.rawValue, price: $0.price) }
    }
}
