import Ingest
import Metering
import StrictYAML
import WireFormats

/// What a worker receives besides Envoy's metrics service, from the settings file and the flags over it.
struct IngestSettings {
    struct Statsd {
        var udp: ListenAddress?
        var tcp: ListenAddress?
        var threads: Int64 = 2
        var receiveBuffer: Int64 = 16 << 20
        var senders: [StatsdSenders.Rule] = []
    }

    struct TLS {
        var files: ServerTLS.Files
        /// Gateways by name of the client's certificate; nil where every certificate that is signed may speak for all.
        var gateways: [String: Set<String>]?
    }

    var statsd = Statsd()
    var otlp = OTLPIdentity()
    var otlpHTTP: ListenAddress?
    var pulls: [PrometheusPuller.Configuration] = []
    var deltaGateways: Set<String> = []
    var ignoredTags: Set<String> = []
    var spoolDirectory: String?
    var tls: TLS?
    var trustsNetwork = false
    var names = StreamTape.Limits()
    var largestMessage = 64 << 20
    var inFlightBytes = InFlightBudget.defaultLimit
    var streamsPerPeer = 10_000
    var heldReadings = IngestWorker.Configuration().heldReadings

    static let keys = [
        "statsd", "otlp", "prometheus", "delta_gateways", "ignored_tags", "spool_dir", "tls", "insecure_trust_network",
        "limits",
    ]

    /// Whether something is received that is added up here, and so needs a spool.
    var hasDeltas: Bool { statsd.udp != nil || statsd.tcp != nil || !deltaGateways.isEmpty }

    init() {}

    /// - Parameter fields: those of `keys` that the settings file has.
    init(_ fields: [String: YAMLField]) throws(YAMLFieldError) {
        spoolDirectory = try fields["spool_dir"]?.text()
        deltaGateways = try Self.texts(fields["delta_gateways"])
        ignoredTags = try Self.texts(fields["ignored_tags"])
        trustsNetwork =
            try fields["insecure_trust_network"].map { field throws(YAMLFieldError) in
                switch try field.text() {
                case "true": true
                case "false": false
                default: throw field.error("insecure_trust_network is true or false")
                }
            } ?? false
        if let field = fields["statsd"] { try readStatsd(field) }
        if let field = fields["otlp"] { try readOTLP(field) }
        if let field = fields["prometheus"] {
            for pull in try field.elements() { pulls.append(try Self.pull(pull)) }
        }
        if let field = fields["tls"] { try readTLS(field) }
        if let field = fields["limits"] { try readLimits(field) }
    }

    private mutating func readStatsd(_ field: YAMLField) throws(YAMLFieldError) {
        let fields = try field.keys(allowed: ["listen", "tcp_listen", "threads", "receive_buffer", "senders"])
        statsd.udp = try fields["listen"].map(Self.address)
        statsd.tcp = try fields["tcp_listen"].map(Self.address)
        if let threads = try fields["threads"]?.integer(atLeast: 1) { statsd.threads = threads }
        if let bytes = try fields["receive_buffer"]?.integer(atLeast: 4096) { statsd.receiveBuffer = bytes }
        for sender in try fields["senders"]?.elements() ?? [] {
            let fields = try sender.keys(
                allowed: ["gateway", "allow", "prefix", "dialect", "instance", "ignored_tags"])
            var blocks: [CIDRBlock] = []
            for block in try fields["allow"]?.elements() ?? [] { blocks.append(try Self.block(block)) }
            var rule = StatsdSenders.Rule(
                gateway: try sender.require("gateway", in: fields).text(),
                allow: blocks.isEmpty ? CIDRBlock.loopback : blocks)
            if let prefix = try fields["prefix"]?.text() { rule.prefix = prefix }
            if let dialect = fields["dialect"] { rule.dialect = try dialect.choice(StatsdDialect.self) }
            if let instance = fields["instance"] {
                guard let name = StatsdSenders.InstanceName(setting: try instance.text()) else {
                    throw instance.error("write address, prefix, tag:NAME or name:NAME")
                }
                rule.instance = name
            }
            rule.ignoredTags = try Self.texts(fields["ignored_tags"])
            statsd.senders.append(rule)
        }
    }

    private mutating func readOTLP(_ field: YAMLField) throws(YAMLFieldError) {
        let fields = try field.keys(
            allowed: ["http_listen", "gateway", "gateway_attributes", "instance_attributes", "prefix", "ignored_tags"])
        otlpHTTP = try fields["http_listen"].map(Self.address)
        if let gateway = try fields["gateway"]?.text() { otlp.gateway = gateway }
        if let names = fields["gateway_attributes"] { otlp.gatewayAttributes = try Self.list(names) }
        if let names = fields["instance_attributes"] { otlp.instanceAttributes = try Self.list(names) }
        if let prefix = try fields["prefix"]?.text() { otlp.prefix = prefix }
        otlp.ignoredTags = try Self.texts(fields["ignored_tags"])
    }

    private static func pull(_ field: YAMLField) throws(YAMLFieldError) -> PrometheusPuller.Configuration {
        let fields = try field.keys(allowed: ["gateway", "targets", "dns", "interval", "ignored_labels"])
        var pull = PrometheusPuller.Configuration(gateway: try field.require("gateway", in: fields).text())
        for target in try fields["targets"]?.elements() ?? [] { pull.targets.append(try Self.target(target)) }
        if let name = fields["dns"] { pull.names.append(try Self.target(name)) }
        if let interval = fields["interval"] {
            guard let parsed = Interval(argument: try interval.text()) else {
                throw interval.error("write a number and a unit, as 5s")
            }
            pull.interval = parsed.microseconds
        }
        pull.ignoredTags = try Self.texts(fields["ignored_labels"])
        guard !pull.targets.isEmpty || !pull.names.isEmpty else {
            throw field.error("give targets (a list of http://host:port/stats/prometheus) or dns (host:port)")
        }
        return pull
    }

    private mutating func readTLS(_ field: YAMLField) throws(YAMLFieldError) {
        let fields = try field.keys(allowed: ["certificate", "key", "client_authorities", "clients"])
        var gateways: [String: Set<String>]?
        if let clients = fields["clients"] {
            var found: [String: Set<String>] = [:]
            for client in try clients.elements() {
                let fields = try client.keys(allowed: ["name", "gateways"])
                let name = try client.require("name", in: fields).text()
                found[name, default: []].formUnion(try Self.texts(client.require("gateways", in: fields)))
            }
            gateways = found
        }
        tls = TLS(
            files: .init(
                certificate: try field.require("certificate", in: fields).text(),
                key: try field.require("key", in: fields).text(),
                clientAuthorities: try field.require("client_authorities", in: fields).text()),
            gateways: gateways)
    }

    private mutating func readLimits(_ field: YAMLField) throws(YAMLFieldError) {
        let fields = try field.keys(
            allowed: [
                "names_per_prefix", "name_bytes", "names", "message_bytes", "in_flight_bytes", "streams_per_peer",
                "held_readings",
            ])
        func set(_ key: String, _ value: inout Int) throws(YAMLFieldError) {
            if let given = try fields[key]?.integer(atLeast: 1) { value = Int(given) }
        }
        try set("names_per_prefix", &names.namesPerPrefix)
        try set("name_bytes", &names.nameLength)
        try set("names", &names.names)
        try set("message_bytes", &largestMessage)
        try set("in_flight_bytes", &inFlightBytes)
        try set("streams_per_peer", &streamsPerPeer)
        try set("held_readings", &heldReadings)
        // What the dictionary of names takes.
        guard names.nameLength <= 512 else { throw field.error("name_bytes is at most 512") }
    }

    private static func address(_ field: YAMLField) throws(YAMLFieldError) -> ListenAddress {
        guard let address = ListenAddress(argument: try field.text()) else {
            throw field.error("write host and port, as 127.0.0.1:8125")
        }
        return address
    }

    private static func block(_ field: YAMLField) throws(YAMLFieldError) -> CIDRBlock {
        guard let block = CIDRBlock(try field.text()) else {
            throw field.error("write addresses as 10.0.0.0/8, 2001:db8::/32 or 10.0.0.7")
        }
        return block
    }

    private static func target(_ field: YAMLField) throws(YAMLFieldError) -> PrometheusTarget {
        guard let target = PrometheusTarget(try field.text()) else {
            throw field.error("write http://host:port/stats/prometheus or host:port; HTTPS is not spoken")
        }
        return target
    }

    private static func list(_ field: YAMLField) throws(YAMLFieldError) -> [String] {
        var texts: [String] = []
        for element in try field.elements() { texts.append(try element.text()) }
        return texts
    }

    private static func texts(_ field: YAMLField?) throws(YAMLFieldError) -> Set<String> {
        guard let field else { return [] }
        return Set(try list(field))
    }
}

extension StatsdSenders.InstanceName {
    /// `address`, `prefix`, `tag:NAME`, `name:NAME`.
    init?(setting text: String) {
        switch text {
        case "address": self = .address
        case "prefix": self = .prefix
        default:
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "tag": self = .tag(parts[1])
            case "name": self = .fixed(parts[1])
            default: return nil
            }
        }
    }
}

extension Interval {
    var microseconds: Int64 {
        duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }
}
