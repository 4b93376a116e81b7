internal import Yams

/// One YAML file of config/prices, with its name for error messages.
package struct PriceFile: Sendable {
    package let name: String
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

extension PriceCatalogue {
    /// Reads the files of config/prices: each may hold `regions`, `capacity_units`, `gateways` and `envoy`.
    ///
    /// Throws `.invalidInput` with file, line and field; `.ambiguousPrice` when two files price one item.
    package init(files: [PriceFile]) throws {
        var regions: [String: Region] = [:]
        var gateways: [String: RequestPricedGateway] = [:]
        var units: CapacityUnits?
        var envoy: EnvoySizing?
        for file in files {
            let document = try YAMLField.document(file)
            for (key, field) in try document.entries() {
                switch key {
                case "regions": try Self.merge(field, into: &regions)
                case "gateways":
                    for (name, gateway) in try field.entries() {
                        gateways[name] = try RequestPricedGateway(key: name, gateway)
                    }
                case "capacity_units": units = try CapacityUnits(field)
                case "envoy": envoy = try EnvoySizing(field)
                default: throw field.error("is not one of regions, capacity_units, gateways, envoy")
                }
            }
        }
        guard let units else { throw Self.missing("capacity_units", files) }
        guard let envoy else { throw Self.missing("envoy", files) }
        self.init(regions: regions, capacityUnits: units, gateways: gateways, envoy: envoy)
    }

    private static func missing(_ key: String, _ files: [PriceFile]) -> LoadBalancerCostError {
        LoadBalancerCostError(
            .invalidInput,
            "none of the price files (\(files.map(\.name).joined(separator: ", "))) holds `\(key)`: "
                + "restore config/prices as it was shipped")
    }

    private static func merge(_ field: YAMLField, into regions: inout [String: Region]) throws {
        for (name, body) in try field.entries() {
            let currency = try body.required("currency").string()
            var region = regions[name] ?? Region(currency: currency, prices: [:])
            guard region.currency == currency else {
                throw body.error(
                    "is priced in \(currency) here and in \(region.currency) in another file: keep one currency a region",
                    .mixedCurrencies)
            }
            for (key, price) in try body.required("prices").entries() {
                guard let item = PriceItem(rawValue: key) else {
                    throw price.error(
                        "is not an item; items: \(PriceItem.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                guard region.prices[item] == nil else {
                    throw price.error("is priced twice for \(name): keep one", .ambiguousPrice)
                }
                region.prices[item] = ListPrice(
                    amount: try price.required("amount").fraction(), currency: currency,
                    source: try price.required("source").string(), date: try price.required("date").string(),
                    inferred: try price.required("inferred").bool())
            }
            regions[name] = region
        }
    }
}

extension CapacityUnits {
    fileprivate init(_ field: YAMLField) throws {
        let alb = try field.required("alb")
        var keys: [CertificateKey: Fraction] = [:]
        let byKey = try alb.required("new_connections_per_second")
        for key in CertificateKey.allCases { keys[key] = try byKey.required(key.rawValue).divisor() }
        let nlb = try field.required("nlb")
        var network: [ListenerProtocol: Network] = [:]
        for listener in ListenerProtocol.allCases {
            network[listener] = try Network(nlb.required(listener.rawValue))
        }
        self.init(
            application: Application(
                newConnectionsPerSecond: keys,
                activeConnections: try alb.required("active_connections").divisor(),
                activeConnectionsMutualTLS: try alb.required("active_connections_mutual_tls").divisor(),
                gigabytesPerHour: try alb.required("gigabytes_per_hour").divisor(),
                lambdaGigabytesPerHour: try alb.required("lambda_gigabytes_per_hour").divisor(),
                ruleEvaluationsPerSecond: try alb.required("rule_evaluations_per_second").divisor(),
                freeRules: try alb.required("free_rules").whole(),
                minimumReservation: try alb.required("minimum_reservation").whole()),
            network: network, gateway: try field.optional("gwlb").map { try Network($0) },
            source: try alb.required("source").string(), date: try alb.required("date").string())
    }
}

extension CapacityUnits.Network {
    fileprivate init(_ field: YAMLField) throws {
        self.init(
            newFlowsPerSecond: try field.required("new_flows_per_second").divisor(),
            activeFlows: try field.required("active_flows").divisor(),
            gigabytesPerHour: try field.required("gigabytes_per_hour").divisor())
    }
}

extension EnvoySizing {
    fileprivate init(_ field: YAMLField) throws {
        try self.init(
            vcpuPer1000Requests: field.required("vcpu_per_1000_requests_per_second").fraction(),
            targetUtilisation: field.required("target_utilisation").fraction(),
            minimumVCPU: field.required("minimum_vcpu").fraction(),
            source: field.required("source").string())
    }
}

extension RequestPricedGateway {
    fileprivate init(key: String, _ field: YAMLField) throws {
        var tiers: [Tier] = []
        for entry in try field.optional("tiers")?.list() ?? [] {
            let upTo = try entry.optional("up_to").map { Int128(try $0.whole()) }
            if let last = tiers.last {
                guard let floor = last.upTo, upTo.map({ $0 > floor }) ?? true else {
                    throw entry.error("does not rise above the tier before it")
                }
            }
            tiers.append(Tier(upTo: upTo, price: try entry.required("price").fraction()))
        }
        if let last = tiers.last, last.upTo != nil { throw field.error("has no last tier without up_to") }
        self.init(
            key: key,
            name: try field.required("name").string(),
            currency: try field.required("currency").string(),
            perRequests: Int128(try field.optional("per_requests")?.positive() ?? 1),
            requestBytes: try field.optional("request_bytes").map { Int128(try $0.positive()) },
            countsStartedUnits: try field.optional("started")?.bool() ?? false,
            tiers: tiers,
            month: try field.optional("month")?.fraction() ?? .zero,
            hour: try field.optional("hour")?.fraction() ?? .zero,
            gibibyte: try field.optional("gib")?.fraction() ?? .zero,
            leftOut: try field.optional("left_out")?.string(),
            source: try field.required("source").string(),
            date: try field.required("date").string(),
            inferred: try field.required("inferred").bool())
    }
}
