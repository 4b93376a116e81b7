/// How many bytes a GB has.
package enum Gigabyte: String, Hashable, Sendable, CaseIterable, Codable {
    /// 10⁹, as in the official ALB example.
    case decimal
    /// 2³⁰, as in AWS' data-transfer tiers.
    case binary

    package var bytes: Int64 { self == .decimal ? 1_000_000_000 : 1 << 30 }
}

/// `spec.externalTrafficPolicy` of the Service behind a Network Load Balancer.
package enum ExternalTrafficPolicy: String, Hashable, Sendable, CaseIterable, Codable {
    /// Only nodes with a gateway pod take traffic: no second hop.
    case local
    /// Any node takes traffic and hands it on: a second possible crossing of zones.
    case cluster
}

/// What the traffic does not say and a cost depends on. Each is printed with the answer and where it came from.
package struct Assumptions: Hashable, Sendable {
    /// Rules that are processed for a request.
    package var rules: Int64 = 10
    package var certificateKey: CertificateKey = .rsa2048
    package var mutualTLS = false
    package var trustStores: Int64 = 0
    package var zones: Int64 = 3
    package var crossZone = false
    package var nlbListener: ListenerProtocol = .tcp
    package var gigabyte: Gigabyte = .decimal
    /// Reserved LCUs of the Application Load Balancer, for every hour. 0: no reservation.
    package var lcuReservation: Int64 = 0
    package var externalTrafficPolicy: ExternalTrafficPolicy = .local
    /// The share of Envoy's traffic that reaches a pod in another zone. 0: topology-aware routing.
    package var podCrossingShare: Fraction = .zero

    /// Where each came from, by name; a name without one is a default.
    package private(set) var sources: [Name: String] = [:]

    package init() {}

    /// The names in files, options and answers.
    package enum Name: String, Hashable, Sendable, CaseIterable, Comparable {
        case rules
        case certificateKey = "certificate_key"
        case mutualTLS = "mutual_tls"
        case trustStores = "trust_stores"
        case zones
        case crossZone = "cross_zone"
        case nlbListener = "nlb_listener"
        case gigabyte = "gb"
        case lcuReservation = "lcu_reservation"
        case externalTrafficPolicy = "external_traffic_policy"
        case podCrossingShare = "pod_crossing_share"

        package static func < (left: Name, right: Name) -> Bool { left.rawValue < right.rawValue }
    }
}

extension Assumptions {
    package func source(_ name: Name) -> String { sources[name] ?? "default" }

    /// Reads one assumption from text: `rules` from `60`, `certificate_key` from `rsa-4096`, `cross_zone` from `true`.
    /// Throws `.invalidInput` naming what would be read.
    package mutating func set(_ name: Name, to text: String, source: String) throws {
        switch name {
        case .rules: rules = try whole(text, name, atLeast: 0)
        case .certificateKey: certificateKey = try choice(text, name)
        case .mutualTLS: mutualTLS = try flag(text, name)
        case .trustStores: trustStores = try whole(text, name, atLeast: 0)
        case .zones: zones = try whole(text, name, atLeast: 1)
        case .crossZone: crossZone = try flag(text, name)
        case .nlbListener: nlbListener = try choice(text, name)
        case .gigabyte: gigabyte = try choice(text, name)
        case .lcuReservation: lcuReservation = try whole(text, name, atLeast: 0)
        case .externalTrafficPolicy: externalTrafficPolicy = try choice(text, name)
        case .podCrossingShare: podCrossingShare = try share(text, name)
        }
        sources[name] = source
    }

    /// Reads `rules=60`, as options give it.
    package mutating func set(option text: String, source: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = Name(rawValue: String(parts[0])) else {
            throw LoadBalancerCostError(
                .invalidInput,
                "assumption '\(text)' is not name=value; names: \(Name.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        try set(name, to: String(parts[1]), source: source)
    }

    private func whole(_ text: String, _ name: Name, atLeast least: Int64) throws -> Int64 {
        guard let value = Int64(text), (least...1_000_000_000).contains(value) else {
            throw invalid(text, name, "a whole number from \(least) to 1000000000")
        }
        return value
    }

    private func flag(_ text: String, _ name: Name) throws -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw invalid(text, name, "true or false")
        }
    }

    private func share(_ text: String, _ name: Name) throws -> Fraction {
        guard let value = Fraction(decimal: text), value >= .zero, value <= .one else {
            throw invalid(text, name, "a share from 0 to 1")
        }
        return value
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(_ text: String, _ name: Name) throws -> Choice
    where Choice.RawValue == String {
        guard let value = Choice(rawValue: text) else {
            throw invalid(text, name, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    private func invalid(_ text: String, _ name: Name, _ expected: String) -> LoadBalancerCostError {
        LoadBalancerCostError(.invalidInput, "\(name.rawValue) is '\(text)': give \(expected)")
    }

    /// The value as it stands in answers.
    package func text(_ name: Name) -> String {
        switch name {
        case .rules: "\(rules)"
        case .certificateKey: certificateKey.rawValue
        case .mutualTLS: "\(mutualTLS)"
        case .trustStores: "\(trustStores)"
        case .zones: "\(zones)"
        case .crossZone: "\(crossZone)"
        case .nlbListener: nlbListener.rawValue
        case .gigabyte: gigabyte.rawValue
        case .lcuReservation: "\(lcuReservation)"
        case .externalTrafficPolicy: externalTrafficPolicy.rawValue
        case .podCrossingShare: podCrossingShare.decimal()
        }
    }
}

extension Assumptions.Name: CodingKey {}

extension Assumptions: Encodable {
    /// The values by name, of their own types: `{"rules":60,"certificate_key":"rsa-2048",…}`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(rules, forKey: .rules)
        try container.encode(certificateKey, forKey: .certificateKey)
        try container.encode(mutualTLS, forKey: .mutualTLS)
        try container.encode(trustStores, forKey: .trustStores)
        try container.encode(zones, forKey: .zones)
        try container.encode(crossZone, forKey: .crossZone)
        try container.encode(nlbListener, forKey: .nlbListener)
        try container.encode(gigabyte, forKey: .gigabyte)
        try container.encode(lcuReservation, forKey: .lcuReservation)
        try container.encode(externalTrafficPolicy, forKey: .externalTrafficPolicy)
        try container.encode(podCrossingShare, forKey: .podCrossingShare)
    }
}
