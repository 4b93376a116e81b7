/// A price list before the selection: one row a product, term and rate.
struct PriceListOffer {
    struct Row {
        let sku: String
        let locationType: String
        let regionCode: String
        let usageType: String
        let operation: String
        let unit: String
        let price: String
        let currency: String
        let effectiveDate: String
        /// Where a tier begins; `0` for the only one.
        let begins: String
    }

    let code: String
    let version: String
    let publicationDate: String
    let rows: [Row]
}

extension PriceListOffer.Row {
    private static let usages = [
        "LoadBalancerUsage", "LCUUsage", "DataProcessing-Bytes", "TS-LoadBalancerUsage", "ReservedLCUUsage",
    ]

    /// The region and item that the row prices; nil for a row of something else.
    func item(_ file: String) throws -> (region: String, item: PriceItem)? {
        guard locationType == "AWS Region", let usage = usageWithoutPrefix else { return nil }
        let found: (item: PriceItem, unit: String)
        switch (operation, usage) {
        case ("LoadBalancing:Application", "LoadBalancerUsage"): found = (.albHour, "Hrs")
        case ("LoadBalancing:Application", "LCUUsage"): found = (.albUnit, "LCU-Hrs")
        case ("LoadBalancing:Application", "TS-LoadBalancerUsage"): found = (.trustStoreHour, "Hrs")
        case ("LoadBalancing:Application", "ReservedLCUUsage"): found = (.albReservedUnit, "ReservedLCU-Hr")
        case ("LoadBalancing:Network", "LoadBalancerUsage"): found = (.nlbHour, "Hrs")
        case ("LoadBalancing:Network", "LCUUsage"): found = (.nlbUnit, "LCU-Hrs")
        case ("LoadBalancing:Network", "ReservedLCUUsage"): found = (.nlbReservedUnit, "ReservedLCU-Hr")
        case ("LoadBalancing:Gateway", "LoadBalancerUsage"): found = (.gwlbHour, "Hrs")
        case ("LoadBalancing:Gateway", "LCUUsage"): found = (.gwlbUnit, "LCU-Hrs")
        case ("LoadBalancing", "LoadBalancerUsage"): found = (.clbHour, "Hrs")
        case ("LoadBalancing", "DataProcessing-Bytes"): found = (.clbGigabyte, "GB")
        default: return nil
        }
        guard unit == found.unit else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(file), SKU \(sku): \(found.item.rawValue) is priced per '\(unit)', expected '\(found.unit)'")
        }
        guard !regionCode.isEmpty else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(file), SKU \(sku): no regionCode (files before 2021 have none): fetch the current file")
        }
        guard Fraction(decimal: begins)?.isZero == true else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(file), SKU \(sku): a tier that begins at \(begins); one price for any quantity is expected")
        }
        return (regionCode, found.item)
    }

    func amount(_ file: String) throws -> Fraction {
        guard let amount = Fraction(decimal: price), !amount.isNegative else {
            throw LoadBalancerCostError(.invalidInput, "\(file), SKU \(sku): the price '\(price)' is not a decimal")
        }
        return amount
    }

    /// The usage without its region prefix (`EU-`, or three capitals and a digit); nil for one that is not selected.
    private var usageWithoutPrefix: String? {
        if Self.usages.contains(usageType) { return usageType }
        guard let dash = usageType.firstIndex(of: "-") else { return nil }
        let prefix = Array(usageType[..<dash].utf8)
        let isRegion =
            prefix == Array("EU".utf8)
            || prefix.count == 4 && prefix[0..<3].allSatisfy { (0x41...0x5A).contains($0) }
                && (0x30...0x39).contains(prefix[3])
        let usage = String(usageType[usageType.index(after: dash)...])
        return isRegion && Self.usages.contains(usage) ? usage : nil
    }
}

extension PriceListOffer {
    init(json bytes: [UInt8], _ name: String) throws {
        let file = try JSONField(parsing: bytes, file: name)
        code = try file.required("offerCode").string()
        version = try file.optional("version")?.string() ?? ""
        publicationDate = try file.optional("publicationDate")?.string() ?? ""
        var products: [String: JSONNode] = [:]
        for (sku, product) in try file.required("products").node.members { products[sku] = product }
        let terms = try file.required("terms").required("OnDemand")
        rows = try terms.node.members.flatMap { sku, offers in
            try offers.members.flatMap { _, term in
                try Self.rows(sku, products[sku]?.member("attributes"), term, name)
            }
        }
    }

    private static func rows(_ sku: String, _ attributes: JSONNode?, _ term: JSONNode, _ file: String) throws -> [Row] {
        func attribute(_ key: String) -> String { attributes?.member(key)?.string ?? "" }
        return try (term.member("priceDimensions")?.members ?? []).map { _, dimension in
            let prices = dimension.member("pricePerUnit")?.members ?? []
            guard let price = prices.first, prices.count == 1 else {
                throw LoadBalancerCostError(
                    .mixedCurrencies, "\(file), SKU \(sku): \(prices.count) currencies in pricePerUnit, expected one")
            }
            // AWS' guide says startingRange, its files beginRange.
            let begins = dimension.member("beginRange") ?? dimension.member("startingRange")
            return Row(
                sku: sku, locationType: attribute("locationType"), regionCode: attribute("regionCode"),
                usageType: attribute("usagetype"), operation: attribute("operation"),
                unit: dimension.member("unit")?.string ?? "", price: price.value.string ?? "", currency: price.key,
                effectiveDate: term.member("effectiveDate")?.string ?? "", begins: begins?.string ?? "0")
        }
    }

    /// Five lines of metadata, then the header. Columns are found by name, without regard to case and spaces.
    init(csv bytes: [UInt8], _ name: String) throws {
        let lines = try CSVReader.rows(bytes, file: name)
        guard let headerIndex = lines.prefix(12).firstIndex(where: { $0.fields.first == "SKU" }) else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name): no header line that begins with SKU in the first twelve: "
                    + "give index.json or index.csv of an AWS price list")
        }
        var metadata: [String: String] = [:]
        for line in lines[..<headerIndex] where line.fields.count >= 2 {
            metadata[Self.plain(line.fields[0])] = line.fields[1]
        }
        code = metadata["offercode"] ?? ""
        version = metadata["version"] ?? ""
        publicationDate = metadata["publicationdate"] ?? ""
        var columns: [String: Int] = [:]
        for (index, column) in lines[headerIndex].fields.enumerated() { columns[Self.plain(column)] = index }
        for needed in [
            "termtype", "unit", "priceperunit", "currency", "locationtype", "usagetype", "operation", "regioncode",
        ]
        where columns[needed] == nil {
            throw LoadBalancerCostError(
                .invalidInput, "\(name), line \(lines[headerIndex].line): the column '\(needed)' is missing")
        }
        rows = lines[(headerIndex + 1)...].compactMap { line in
            func field(_ column: String) -> String {
                guard let index = columns[column], index < line.fields.count else { return "" }
                return line.fields[index]
            }
            guard field("termtype") == "OnDemand" else { return nil }
            let begins = columns["startingrange"] != nil ? field("startingrange") : field("beginrange")
            return Row(
                sku: field("sku"), locationType: field("locationtype"), regionCode: field("regioncode"),
                usageType: field("usagetype"), operation: field("operation"), unit: field("unit"),
                price: field("priceperunit"), currency: field("currency"), effectiveDate: field("effectivedate"),
                begins: begins.isEmpty ? "0" : begins)
        }
    }

    private static func plain(_ text: String) -> String { text.lowercased().filter { $0 != " " } }
}
