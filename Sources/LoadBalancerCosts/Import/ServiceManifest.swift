internal import Yams

/// A Kubernetes Service of type LoadBalancer: what its annotations mean for the cost.
///
/// Source: the annotations of aws-load-balancer-controller v3.5.0 and of the in-tree provider.
package struct ServiceManifest: Sendable {
    /// The assumptions that the manifest decides, each with its annotation as its source.
    package let assumptions: Assumptions
    /// `namespace/name`.
    package let service: String
    /// What was read beside the assumptions and what it means, one sentence each.
    private let remarks: [String]
    private let internetFacing: Bool

    private static let prefix = "service.beta.kubernetes.io/aws-load-balancer-"

    /// Throws `.invalidInput` where no document is a Service of type LoadBalancer, or where several are.
    package init(_ text: String, name: String, assumptions base: Assumptions = Assumptions()) throws {
        let document = try Self.service(text, name)
        let metadata = try document.required("metadata")
        let namespace = try metadata.optional("namespace")?.string() ?? "default"
        service = "\(namespace)/\(try metadata.required("name").string())"
        let spec = try document.required("spec")
        let type = try spec.optional("type")?.string() ?? "ClusterIP"
        guard type == "LoadBalancer" else {
            throw spec.error("type is \(type): a Service of type LoadBalancer makes a load balancer, another does not")
        }
        var annotations: [String: String] = [:]
        for (key, value) in try metadata.optional("annotations")?.entries() ?? [] where key.hasPrefix(Self.prefix) {
            annotations[String(key.dropFirst(Self.prefix.count))] = try value.string()
        }
        var reading = Reading(assumptions: base, file: name, annotations: annotations)
        try reading.read(policy: spec.optional("externalTrafficPolicy")?.string())
        assumptions = reading.assumptions
        remarks = reading.remarks
        internetFacing = reading.internetFacing
    }

    private static func service(_ text: String, _ name: String) throws -> YAMLField {
        let services = try YAMLField.documents(PriceFile(name: name, text: text)).filter { document in
            try document.optional("kind")?.string() == "Service"
        }
        guard let service = services.first else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name) holds no Service: give the manifest of the gateway's Service of type LoadBalancer")
        }
        let balanced = try services.filter { try $0.optional("spec")?.optional("type")?.string() == "LoadBalancer" }
        guard balanced.count <= 1 else {
            throw LoadBalancerCostError(
                .invalidInput, "\(name) holds \(balanced.count) Services of type LoadBalancer: give a file with one")
        }
        return balanced.first ?? service
    }

    /// One sentence for each switch, with what it costs for this traffic: `cross-zone is on: +66.67 USD`.
    package func notes(
        _ series: TrafficSeries, _ assumptions: Assumptions, catalogue: PriceCatalogue, region: String
    ) throws -> [String] {
        var notes: [String] = []
        func interZone(_ change: (inout Assumptions) -> Void) throws -> Fraction? {
            guard catalogue.price(.interZoneGigabyte, in: region) != nil else { return nil }
            var other = assumptions
            change(&other)
            return try InterZoneCost(series, other, catalogue: catalogue, region: region).total
        }
        let currency = try catalogue.currency(of: region)
        func amount(_ with: Fraction?, _ without: Fraction?) throws -> String {
            guard let with, let without else { return "no price for data between zones in \(region)" }
            return "+\(try (with - without).readable) \(currency)"
        }
        let on = try amount(interZone { $0.crossZone = true }, interZone { $0.crossZone = false })
        notes.append(assumptions.crossZone ? "cross-zone is on: \(on)" : "cross-zone is off: on, it would be \(on)")
        let hop = try amount(
            interZone { $0.externalTrafficPolicy = .cluster }, interZone { $0.externalTrafficPolicy = .local })
        notes.append(
            assumptions.externalTrafficPolicy == .local
                ? "no second hop: Cluster with instance targets would be \(hop)"
                : "externalTrafficPolicy Cluster with instance targets is a second hop: \(hop)")
        if internetFacing, catalogue.price(.publicIPv4Hour, in: region) != nil {
            let cost = try AddressCost(series, assumptions, catalogue: catalogue, region: region)
            notes.append(
                "internet-facing, \(cost.addresses) public IPv4 addresses: +\(cost.total.readable) \(currency)")
        }
        return notes + remarks
    }
}

/// The annotations, as they are read one by one.
private struct Reading {
    var assumptions: Assumptions
    let file: String
    let annotations: [String: String]
    var remarks: [String] = []
    var internetFacing = false

    mutating func read(policy: String?) throws {
        readType()
        try readListener()
        try readCrossZone()
        try readHop(policy)
        internetFacing = annotations["scheme"] == "internet-facing"
        if !internetFacing, annotations["scheme"] == nil {
            remarks.append(
                "no scheme annotation: the controller makes an internal load balancer, the in-tree provider a public one"
            )
        }
        if annotations["proxy-protocol"] != nil {
            remarks.append("proxy protocol is on: some 28 bytes a connection, not counted")
        }
        if annotations["eip-allocations"] != nil {
            remarks.append("own addresses: the IPv4 charge remains, but for those you brought (BYOIP)")
        }
        if let capacity = annotations["minimum-load-balancer-capacity"] {
            remarks.append("reserved NLB capacity (\(capacity)) is charged every hour and not in the NLB's total here")
        }
    }

    private mutating func readType() {
        switch annotations["type"] {
        case "nlb", "external", "nlb-ip": remarks.append("type \(annotations["type"] ?? ""): a network load balancer")
        case nil: remarks.append("no type annotation: the in-tree provider makes a Classic Load Balancer; look at clb")
        case let other?: remarks.append("type \(other) is not known: read as a network load balancer")
        }
    }

    private mutating func readListener() throws {
        let terminated = annotations["ssl-cert"] != nil
        let source = terminated ? "ssl-cert: TLS ends at the load balancer" : "no ssl-cert: passed through"
        try assumptions.set(.nlbListener, to: terminated ? "tls" : "tcp", source: "\(file), \(source)")
        if annotations["backend-protocol"] == "ssl" {
            remarks.append("backend protocol ssl: TLS to the pods too, which costs CPU on the nodes")
        }
    }

    private mutating func readCrossZone() throws {
        if let flag = annotations["cross-zone-load-balancing-enabled"] {
            try assumptions.set(.crossZone, to: flag, source: "\(file), cross-zone-load-balancing-enabled")
        }
        for attribute in (annotations["attributes"] ?? "").split(separator: ",") {
            let parts = attribute.split(separator: "=", maxSplits: 1).map { String($0.filter { $0 != " " }) }
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "load_balancing.cross_zone.enabled":
                try assumptions.set(.crossZone, to: parts[1], source: "\(file), attributes")
            case "dns_record.client_routing_policy":
                remarks.append("client routing policy \(parts[1]): clients inside the VPC may stay in their zone")
            default: break
            }
        }
        if assumptions.source(.crossZone) == "default" {
            try assumptions.set(
                .crossZone, to: "false", source: "\(file), no annotation: off for a network load balancer")
        }
    }

    private mutating func readHop(_ policy: String?) throws {
        let ipTargets = annotations["nlb-target-type"] == "ip" || annotations["type"] == "nlb-ip"
        switch policy {
        case _ where ipTargets:
            try assumptions.set(.externalTrafficPolicy, to: "local", source: "\(file), target type ip: no node hop")
        case "Local": try assumptions.set(.externalTrafficPolicy, to: "local", source: "\(file), externalTrafficPolicy")
        case "Cluster":
            try assumptions.set(.externalTrafficPolicy, to: "cluster", source: "\(file), externalTrafficPolicy")
        case nil:
            try assumptions.set(
                .externalTrafficPolicy, to: "cluster",
                source: "\(file), no externalTrafficPolicy: Kubernetes takes Cluster")
        case let other?:
            throw LoadBalancerCostError(
                .invalidInput, "\(file), spec.externalTrafficPolicy: is '\(other)': give Local or Cluster")
        }
    }
}
