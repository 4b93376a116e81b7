import StrictYAML

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
    /// Capacity units that are reserved for every hour; nil: none.
    private let reservedUnits: Int64?

    private static let prefix = "service.beta.kubernetes.io/aws-load-balancer-"

    /// Throws `.invalidInput` where no document is a Service of type LoadBalancer, or where several are.
    package init(_ text: String, name: String, assumptions base: Assumptions = Assumptions()) throws {
        let service = try LoadBalancerCostError.reading { try Self.service(text, name) }
        var reading = Reading(assumptions: base, file: name, service: service)
        try reading.read()
        self.service = service.name
        assumptions = reading.assumptions
        remarks = reading.remarks
        internetFacing = reading.internetFacing
        reservedUnits = reading.reservedUnits
    }

    /// What of a Service is read.
    fileprivate struct Service {
        let name: String
        let annotations: [String: String]
        let policy: String?
        let loadBalancerClass: String?
        let protocols: Set<String>
    }

    private static func service(_ text: String, _ name: String) throws -> Service {
        var services: [(field: YAMLField, fields: [String: YAMLField])] = []
        for document in try YAMLField.documents(yaml: text, file: name) {
            for (field, fields) in try items(document) where try fields["kind"]?.text() == "Service" {
                services.append((field, fields))
            }
        }
        guard let first = services.first else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(name) holds no Service: give the manifest of the gateway's Service of type LoadBalancer")
        }
        let balanced = try services.filter { try type($0.fields) == "LoadBalancer" }
        guard balanced.count <= 1 else {
            throw LoadBalancerCostError(
                .invalidInput, "\(name) holds \(balanced.count) Services of type LoadBalancer: give a file with one")
        }
        guard let service = balanced.first else {
            let found = try type(first.fields) ?? "ClusterIP"
            throw first.field.error(
                "spec.type is \(found): a Service of type LoadBalancer makes a load balancer, another does not")
        }
        return try read(service.field, service.fields)
    }

    /// A document, or what a `List` of `kubectl get -o yaml` holds.
    private static func items(_ document: YAMLField) throws -> [(YAMLField, [String: YAMLField])] {
        guard case let fields = try document.keys(allowed: nil), try fields["kind"]?.text() == "List" else {
            return [(document, try document.keys(allowed: nil))]
        }
        return try fields["items"]?.elements().map { ($0, try $0.keys(allowed: nil)) } ?? []
    }

    private static func type(_ fields: [String: YAMLField]) throws -> String? {
        try fields["spec"]?.keys(allowed: nil)["type"]?.text()
    }

    private static func read(_ service: YAMLField, _ fields: [String: YAMLField]) throws -> Service {
        let metadata = try service.require("metadata", in: fields)
        let meta = try metadata.keys(allowed: nil)
        var annotations: [String: String] = [:]
        for (key, value) in try meta["annotations"]?.keys(allowed: nil) ?? [:] where key.hasPrefix(prefix) {
            guard let text = value.string else {
                throw value.error("found \(value.kind), which should be text in quotes")
            }
            annotations[String(key.dropFirst(prefix.count))] = text
        }
        let spec = try service.require("spec", in: fields).keys(allowed: nil)
        let protocols = try spec["ports"]?.elements().map { port in
            try port.keys(allowed: nil)["protocol"]?.text() ?? "TCP"
        }
        return Service(
            name: "\(try meta["namespace"]?.text() ?? "default")/\(try metadata.require("name", in: meta).text())",
            annotations: annotations, policy: try spec["externalTrafficPolicy"]?.text(),
            loadBalancerClass: try spec["loadBalancerClass"]?.text(), protocols: Set(protocols ?? []))
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
        if let reservedUnits {
            var note = "\(reservedUnits) NLCU are reserved for every hour, in no total here"
            if let price = catalogue.price(.nlbReservedUnit, in: region) {
                let cost = try price.amount * reservedUnits * series.hourCount
                note += ": +\(cost.readable) \(currency), less what is used of them"
            } else {
                note += ": no price for nlb_reserved_lcu in \(region)"
            }
            notes.append(note)
        }
        return notes + remarks
    }
}

/// The annotations, as they are read one by one.
private struct Reading {
    var assumptions: Assumptions
    let file: String
    let service: ServiceManifest.Service
    var remarks: [String] = []
    var internetFacing = false
    var reservedUnits: Int64?

    private var annotations: [String: String] { service.annotations }

    mutating func read() throws {
        try readType()
        try readListener()
        try readCrossZone()
        try readHop()
        try readScheme()
        if annotations["proxy-protocol"] != nil {
            remarks.append("proxy protocol is on: some 28 bytes a connection, not counted")
        }
        if annotations["eip-allocations"] != nil {
            remarks.append("own addresses: the IPv4 charge remains, but for those you brought (BYOIP)")
        }
        if let text = annotations["minimum-load-balancer-capacity"] {
            let parts = text.split(separator: "=")
            guard parts.count == 2, parts[0] == "CapacityUnits", let units = Int64(parts[1]), units >= 0 else {
                throw invalid("minimum-load-balancer-capacity", text, "CapacityUnits=N")
            }
            reservedUnits = units
        }
        if annotations["listener-attributes"] != nil || annotations["target-group-attributes"] != nil {
            remarks.append(
                "listener and target group attributes (idle timeouts) show in the active connections counted")
        }
    }

    private func invalid(_ annotation: String, _ text: String, _ expected: String) -> LoadBalancerCostError {
        LoadBalancerCostError(
            .invalidInput, "\(file), Service \(service.name), annotation \(annotation): is '\(text)': give \(expected)")
    }

    private mutating func readType() throws {
        switch (annotations["type"], service.loadBalancerClass) {
        case (let type?, _):
            guard ["nlb", "external", "nlb-ip"].contains(type) else {
                throw invalid("type", type, "nlb, external or nlb-ip")
            }
            remarks.append("type \(type): a network load balancer")
        case (nil, "service.k8s.aws/nlb"): remarks.append("class service.k8s.aws/nlb: a network load balancer")
        case (nil, let other?):
            remarks.append("class \(other) is not AWS': read as a network load balancer")
        case (nil, nil):
            remarks.append("no type annotation: the in-tree provider makes a Classic Load Balancer; look at clb")
        }
    }

    private mutating func readListener() throws {
        let terminated = annotations["ssl-cert"] != nil
        if terminated {
            let ports = annotations["ssl-ports"].map { " for the ports \($0)" } ?? ""
            try assumptions.set(
                .nlbListener, to: "tls", source: "\(file), ssl-cert\(ports): TLS ends at the load balancer")
        } else if service.protocols == ["UDP"] {
            try assumptions.set(.nlbListener, to: "udp", source: "\(file), ports of protocol UDP")
        } else {
            try assumptions.set(.nlbListener, to: "tcp", source: "\(file), no ssl-cert: passed through")
        }
        if service.protocols.contains("UDP"), service.protocols.contains("TCP") {
            remarks.append("ports of TCP and UDP: all traffic is measured as TCP")
        }
        if annotations["quic-enabled-ports"] != nil {
            remarks.append("QUIC ports: what an NLCU holds of QUIC is not known; they are measured as the listener")
        }
        if let backend = annotations["backend-protocol"] {
            guard ["tcp", "ssl", "http", "https"].contains(backend) else {
                throw invalid("backend-protocol", backend, "tcp or ssl")
            }
            if backend == "ssl" || backend == "https" {
                remarks.append("backend protocol \(backend): TLS to the pods too, which costs CPU on the nodes")
            }
        }
    }

    private mutating func readCrossZone() throws {
        let flag = "cross-zone-load-balancing-enabled"
        var isDecided = false
        if let text = annotations[flag] {
            guard text == "true" || text == "false" else { throw invalid(flag, text, "true or false") }
            try assumptions.set(.crossZone, to: text, source: "\(file), \(flag)")
            isDecided = true
        }
        for attribute in (annotations["attributes"] ?? "").split(separator: ",") {
            let parts = attribute.split(separator: "=", maxSplits: 1).map { String($0.filter { $0 != " " }) }
            guard parts.count == 2 else { throw invalid("attributes", String(attribute), "name=value") }
            switch parts[0] {
            case "load_balancing.cross_zone.enabled":
                guard ["true", "false"].contains(parts[1]) else {
                    throw invalid("attributes", String(attribute), "true or false")
                }
                try assumptions.set(.crossZone, to: parts[1], source: "\(file), attributes")
                isDecided = true
            case "dns_record.client_routing_policy":
                remarks.append("client routing policy \(parts[1]): clients inside the VPC may stay in their zone")
            default: break
            }
        }
        if !isDecided, assumptions.source(.crossZone) == "default" {
            try assumptions.set(
                .crossZone, to: "false", source: "\(file), no annotation: off for a network load balancer")
        }
    }

    private mutating func readHop() throws {
        let ipTargets = annotations["nlb-target-type"] == "ip" || annotations["type"] == "nlb-ip"
        if let type = annotations["nlb-target-type"], type != "ip", type != "instance" {
            throw invalid("nlb-target-type", type, "ip or instance")
        }
        switch service.policy {
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

    private mutating func readScheme() throws {
        let isInternal = annotations["internal"] == "true"
        switch annotations["scheme"] {
        case "internet-facing": internetFacing = true
        case "internal": break
        case nil where isInternal: break
        case nil:
            remarks.append(
                "no scheme annotation: the controller makes an internal load balancer, the in-tree provider a public one"
            )
        case let other?: throw invalid("scheme", other, "internal or internet-facing")
        }
    }
}
