import StrictYAML

/// What is not one price: a capacity unit or a request-priced gateway with its tiers, as an entry of `capacity_units` or
/// `gateways` in a file of config/prices. It is what is imported, stored and listed of them.
package struct CatalogueDefinition: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case capacityUnit = "capacity_unit"
        case gateway
    }

    package let kind: Kind
    /// `alb`, `nlb` or `gwlb`; a gateway's key.
    package let name: String
    /// Its values as JSON on one line, keys in order: two definitions that say the same have the same text.
    package let text: String
    package let origin: PriceOrigin

    package init(kind: Kind, name: String, text: String, origin: PriceOrigin) {
        self.kind = kind
        self.name = name
        self.text = text
        self.origin = origin
    }

    /// Its values by path: `new_connections_per_second.rsa-2048`, `25`.
    package func values() throws -> [(path: String, text: String)] {
        try LoadBalancerCostError.reading { try field().values() }
    }

    func field() throws(YAMLFieldError) -> YAMLField {
        try YAMLField.root(yaml: text, file: "\(kind.rawValue) \(name) of \(origin.date) (\(origin.source))")
    }
}

/// Where a price or a divisor was read.
package struct PriceOrigin: Hashable, Sendable, Encodable {
    package let source: String
    /// When the source is from: `2026-09-11`, `2026-11`.
    package let date: String
    /// True when it was derived and not read.
    package let inferred: Bool

    package init(source: String, date: String, inferred: Bool) {
        self.source = source
        self.date = date
        self.inferred = inferred
    }

    /// `offer AWSELB, 2026-09-11, inferred`.
    package var text: String {
        source + (date.isEmpty ? "" : ", \(date)") + (inferred ? ", inferred" : "")
    }
}

extension CatalogueDefinition {
    /// Reads an entry of a file, as strictly as it is read when it is used.
    init(_ kind: Kind, _ name: String, _ field: YAMLField) throws {
        let fields = try field.keys(allowed: nil)
        origin = try PriceOrigin(field, fields)
        self.kind = kind
        self.name = name
        text = try field.json(leavingOut: PriceOrigin.keys) { Fraction(decimal: $0)?.decimal(places: 37) ?? $0 }
        switch kind {
        case .capacityUnit: _ = try CapacityUnits.Part(name, field)
        case .gateway: _ = try RequestPricedGateway(key: name, field, origin)
        }
    }
}

extension PriceOrigin {
    static let keys = ["source", "date", "inferred"]

    init(_ field: YAMLField, _ fields: [String: YAMLField]) throws {
        self.init(
            source: try field.require("source", in: fields).text(), date: try field.require("date", in: fields).text(),
            inferred: try field.require("inferred", in: fields).flag())
    }
}

extension CapacityUnits {
    /// What one load balancer's entry says.
    enum Part {
        case application(Application)
        case network([ListenerProtocol: Network])
        case gateway(Network)

        init(_ name: String, _ field: YAMLField) throws {
            switch name {
            case "alb": self = .application(try Application(field))
            case "nlb":
                let listeners = ListenerProtocol.allCases.map(\.rawValue)
                let fields = try field.keys(allowed: PriceOrigin.keys + listeners)
                var network: [ListenerProtocol: Network] = [:]
                for listener in ListenerProtocol.allCases {
                    network[listener] = try Network(field.require(listener.rawValue, in: fields))
                }
                self = .network(network)
            case "gwlb": self = .gateway(try Network(field))
            default: throw field.error("\(name) is no load balancer with a capacity unit; give alb, nlb or gwlb")
            }
        }
    }

    mutating func set(_ part: Part, origin: PriceOrigin) {
        switch part {
        case .application(let unit): (application, origins["alb"]) = (unit, origin)
        case .network(let units): (network, origins["nlb"]) = (units, origin)
        case .gateway(let unit): (gateway, origins["gwlb"]) = (unit, origin)
        }
    }
}

extension CapacityUnits.Application {
    fileprivate init(_ field: YAMLField) throws {
        let names = [
            "new_connections_per_second", "active_connections", "active_connections_mutual_tls", "gigabytes_per_hour",
            "lambda_gigabytes_per_hour", "rule_evaluations_per_second", "free_rules", "minimum_reservation",
        ]
        let fields = try field.keys(allowed: PriceOrigin.keys + names)
        func value(_ name: String) throws -> YAMLField { try field.require(name, in: fields) }
        let byKey = try value("new_connections_per_second")
        let keyed = try byKey.keys(allowed: CertificateKey.allCases.map(\.rawValue))
        var keys: [CertificateKey: Fraction] = [:]
        for key in CertificateKey.allCases { keys[key] = try byKey.require(key.rawValue, in: keyed).divisor() }
        self.init(
            newConnectionsPerSecond: keys, activeConnections: try value("active_connections").divisor(),
            activeConnectionsMutualTLS: try value("active_connections_mutual_tls").divisor(),
            gigabytesPerHour: try value("gigabytes_per_hour").divisor(),
            lambdaGigabytesPerHour: try value("lambda_gigabytes_per_hour").divisor(),
            ruleEvaluationsPerSecond: try value("rule_evaluations_per_second").divisor(),
            freeRules: try value("free_rules").whole(), minimumReservation: try value("minimum_reservation").whole())
    }
}

extension CapacityUnits.Network {
    fileprivate init(_ field: YAMLField) throws {
        let names = ["new_flows_per_second", "active_flows", "gigabytes_per_hour"]
        let fields = try field.keys(allowed: PriceOrigin.keys + names)
        self.init(
            newFlowsPerSecond: try field.require("new_flows_per_second", in: fields).divisor(),
            activeFlows: try field.require("active_flows", in: fields).divisor(),
            gigabytesPerHour: try field.require("gigabytes_per_hour", in: fields).divisor())
    }
}

extension RequestPricedGateway {
    init(key: String, _ field: YAMLField, _ origin: PriceOrigin) throws {
        let fields = try field.keys(
            allowed: PriceOrigin.keys + [
                "name", "currency", "per_requests", "request_bytes", "started", "tiers", "month", "hour", "gib",
                "left_out",
            ])
        var tiers: [Tier] = []
        for entry in try fields["tiers"]?.elements() ?? [] {
            let values = try entry.keys(allowed: ["up_to", "price"])
            let upTo = try values["up_to"].map { Int128(try $0.whole(atLeast: 1)) }
            if let last = tiers.last {
                guard let floor = last.upTo, upTo.map({ $0 > floor }) ?? true else {
                    throw entry.error("does not rise above the tier before it")
                }
            }
            tiers.append(Tier(upTo: upTo, price: try entry.require("price", in: values).fraction()))
        }
        if let last = tiers.last, last.upTo != nil { throw field.error("has no last tier without up_to") }
        self.init(
            key: key, name: try field.require("name", in: fields).text(),
            currency: try field.require("currency", in: fields).text(),
            perRequests: Int128(try fields["per_requests"]?.whole(atLeast: 1) ?? 1),
            requestBytes: try fields["request_bytes"].map { Int128(try $0.whole(atLeast: 1)) },
            countsStartedUnits: try fields["started"]?.flag() ?? false, tiers: tiers,
            month: try fields["month"]?.fraction() ?? .zero, hour: try fields["hour"]?.fraction() ?? .zero,
            gibibyte: try fields["gib"]?.fraction() ?? .zero, leftOut: try fields["left_out"]?.text(),
            origin: origin)
    }
}
