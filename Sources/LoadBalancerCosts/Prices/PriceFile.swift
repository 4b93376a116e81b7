import StrictYAML

/// One YAML file of config/prices, with its name for error messages.
package struct PriceFile: Sendable {
    package let name: String
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// What a file of config/prices holds: any of `regions`, `capacity_units`, `gateways` and `envoy`.
package struct PriceFileContents {
    package let rows: [PriceRow]
    package let definitions: [CatalogueDefinition]
    let envoy: EnvoySizing?
    /// Where each row stands, for messages.
    let places: [YAMLField]

    /// Throws `.invalidInput` with file, line and key.
    package init(_ file: PriceFile) throws {
        var rows: [PriceRow] = []
        var places: [YAMLField] = []
        var definitions: [CatalogueDefinition] = []
        envoy = try LoadBalancerCostError.reading {
            let root = try YAMLField.root(yaml: file.text, file: file.name)
            let fields = try root.keys(allowed: ["regions", "capacity_units", "gateways", "envoy"])
            for (region, body) in try fields["regions"]?.keys(allowed: nil) ?? [:] {
                for (row, place) in try Self.prices(region, body) {
                    rows.append(row)
                    places.append(place)
                }
            }
            for (key, kind) in [("capacity_units", CatalogueDefinition.Kind.capacityUnit), ("gateways", .gateway)] {
                for (name, entry) in try fields[key]?.keys(allowed: nil) ?? [:] {
                    definitions.append(try CatalogueDefinition(kind, name, entry))
                }
            }
            return try fields["envoy"].map { try EnvoySizing($0) }
        }
        self.rows = rows
        self.places = places
        self.definitions = definitions.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    private static func prices(_ region: String, _ body: YAMLField) throws -> [(PriceRow, YAMLField)] {
        let fields = try body.keys(allowed: ["currency", "prices"])
        let currency = try body.require("currency", in: fields).text()
        return try body.require("prices", in: fields).keys(allowed: PriceItem.allCases.map(\.rawValue)).map {
            item, entry in
            let values = try entry.keys(allowed: ["amount"] + PriceOrigin.keys)
            let origin = try PriceOrigin(entry, values)
            let price = ListPrice(
                amount: try entry.require("amount", in: values).fraction(), currency: currency, source: origin.source,
                date: origin.date, inferred: origin.inferred)
            return (PriceRow(region: region, item: item, price: price), entry)
        }
    }
}

extension PriceCatalogue {
    /// Reads the files of config/prices.
    ///
    /// Throws `.invalidInput` with file, line and field; `.ambiguousPrice` when two files price or define one thing.
    package init(files: [PriceFile]) throws {
        var regions: [String: Region] = [:]
        var definitions: [String: CatalogueDefinition] = [:]
        var envoy: EnvoySizing?
        for file in files {
            let contents = try PriceFileContents(file)
            for (row, place) in zip(contents.rows, contents.places) { try Self.merge(row, place, into: &regions) }
            for definition in contents.definitions {
                guard definitions.updateValue(definition, forKey: definition.key) == nil else {
                    throw LoadBalancerCostError(
                        .ambiguousPrice, "\(file.name): \(definition.key) stands in another file too: keep one")
                }
            }
            envoy = contents.envoy ?? envoy
        }
        guard let envoy else { throw Self.missing("envoy", files) }
        for name in ["alb", "nlb"] where definitions["capacity_unit \(name)"] == nil {
            throw Self.missing("capacity_units.\(name)", files)
        }
        self.init(regions: regions, capacityUnits: CapacityUnits(), gateways: [:], envoy: envoy)
        try add(definitions.values)
    }

    private static func missing(_ key: String, _ files: [PriceFile]) -> LoadBalancerCostError {
        LoadBalancerCostError(
            .invalidInput,
            "none of the price files (\(files.map(\.name).joined(separator: ", "))) holds `\(key)`: "
                + "restore config/prices as it was shipped")
    }

    private static func merge(_ row: PriceRow, _ place: YAMLField, into regions: inout [String: Region]) throws {
        let currency = row.price.currency
        var region = regions[row.region] ?? Region(currency: currency, prices: [:])
        guard region.currency == currency else {
            throw place.error(
                .mixedCurrencies,
                "\(row.region) is priced in \(currency) here and in \(region.currency) in another file: keep one "
                    + "currency a region")
        }
        guard let item = PriceItem(rawValue: row.item), region.prices.updateValue(row.price, forKey: item) == nil else {
            throw place.error(.ambiguousPrice, "is priced twice for \(row.region): keep one")
        }
        regions[row.region] = region
    }

    /// Puts definitions above those that are there.
    mutating func add(_ definitions: some Sequence<CatalogueDefinition>) throws {
        try LoadBalancerCostError.reading {
            for definition in definitions {
                let field = try definition.field()
                switch definition.kind {
                case .capacityUnit:
                    capacityUnits.set(try CapacityUnits.Part(definition.name, field), origin: definition.origin)
                case .gateway:
                    gateways[definition.name] = try RequestPricedGateway(
                        key: definition.name, field, definition.origin)
                }
                self.definitions[definition.key] = definition
            }
        }
    }

    /// The catalogue with these definitions above its own.
    package func adding(_ definitions: [CatalogueDefinition]) throws -> PriceCatalogue {
        var catalogue = self
        try catalogue.add(definitions)
        return catalogue
    }

    /// The catalogue with all that a file holds above its own.
    package func adding(_ contents: PriceFileContents) throws -> PriceCatalogue {
        var catalogue = try adding(contents.rows).adding(contents.definitions)
        catalogue.envoy = contents.envoy ?? catalogue.envoy
        return catalogue
    }
}

extension CatalogueDefinition {
    /// `capacity_unit alb`.
    package var key: String { "\(kind.rawValue) \(name)" }
}

extension EnvoySizing {
    fileprivate init(_ field: YAMLField) throws {
        let names = ["vcpu_per_1000_requests_per_second", "target_utilisation", "minimum_vcpu"]
        let fields = try field.keys(allowed: PriceOrigin.keys + names)
        let origin = try PriceOrigin(field, fields)
        try self.init(
            vcpuPer1000Requests: field.require(names[0], in: fields).fraction(),
            targetUtilisation: field.require(names[1], in: fields).fraction(),
            minimumVCPU: field.require(names[2], in: fields).fraction(), source: origin.text)
    }
}
