import StrictYAML

/// Reads an Envoy bootstrap and names each trap that it walks into: what its counters would lose, mix up or hide.
struct BootstrapCheck {
    let root: YAMLField
    var findings: [BootstrapFinding] = []

    init(_ root: YAMLField) {
        self.root = root
        checkNode()
        checkFlush()
        checkSinks()
        checkNames()
        checkMatcher()
        checkAdmin()
    }

    // MARK: What the file holds

    /// All HTTP connection managers, wherever they stand.
    var connectionManagers: [YAMLField] {
        Self.find(root) { $0["@type"]?.string?.hasSuffix(".HttpConnectionManager") == true }
    }

    var listeners: [YAMLField] { root.at("static_resources", "listeners")?.items ?? [] }

    static func find(_ field: YAMLField, where matches: (YAMLField) -> Bool) -> [YAMLField] {
        var found = matches(field) ? [field] : []
        for child in field.entries.map(\.value) + field.items { found += find(child, where: matches) }
        return found
    }

    // MARK: Traps

    mutating func add(_ trap: String, _ field: YAMLField, _ found: String, _ remedy: String) {
        add(.wrong, trap, field, found, remedy)
    }

    private mutating func add(
        _ severity: BootstrapFinding.Severity, _ trap: String, _ field: YAMLField, _ found: String, _ remedy: String
    ) {
        findings.append(
            BootstrapFinding(severity: severity, trap: trap, place: field.place, found: found, remedy: remedy))
    }

    private mutating func checkNode() {
        let node = root["node"]
        if node?["id"]?.string?.isEmpty ?? true {
            add(
                "no_node_id", node ?? root, "the node has no id: instances can not be told apart",
                "set node.id, one for each Envoy and the same over restarts (or --service-node)")
        }
        if node?["cluster"]?.string?.isEmpty ?? true {
            add(
                "no_node_cluster", node ?? root, "the node has no cluster, which is the gateway on the bill",
                "set node.cluster (or --service-cluster)")
        }
        if node?.at("metadata", "boot_id") == nil {
            add(
                .note, "no_boot_id", node ?? root,
                "there is no node.metadata.boot_id: a restart that overtakes the old counters is told by uptime alone",
                "give a new one at each start: envoy … --config-yaml \"node: {metadata: {boot_id: $(cat "
                    + "/proc/sys/kernel/random/uuid)}}\"")
        }
    }

    private mutating func checkFlush() {
        if let field = root["stats_flush_on_admin"], field.isTrue {
            add(
                "flush_on_admin", field, "stats are flushed only when somebody asks the admin interface",
                "take stats_flush_on_admin out, and set stats_flush_interval: 1s")
        }
        guard let field = root["stats_flush_interval"], let seconds = Self.seconds(field.string ?? "") else { return }
        if seconds > 10 {
            add(
                "slow_flush", field, "a flush every \(field.string ?? ""): a crash loses as much",
                "set stats_flush_interval: 1s, and keep it below --drain-time-s")
        }
    }

    private mutating func checkSinks() {
        let sinks = root["stats_sinks"]?.items ?? []
        if sinks.isEmpty {
            add(
                "no_sink", root["stats_sinks"] ?? root,
                "no stats sink: nothing is sent, and a pull alone can not see a hot restart",
                "waybill config envoy --sink metrics-service --gateway NAME prints one")
        }
        for sink in sinks {
            let configuration = sink["typed_config"] ?? sink
            switch sink["name"]?.string ?? "" {
            case let name where name.hasSuffix("metrics_service"): checkMetricsService(configuration)
            case let name where name.hasSuffix("open_telemetry"): checkOTLP(configuration)
            case let name where name.hasSuffix("dog_statsd"): checkStatsd(configuration, isTagged: true)
            case let name where name.hasSuffix("graphite_statsd"): checkStatsd(configuration, isTagged: true)
            case let name where name.hasSuffix("statsd"): checkStatsd(configuration, isTagged: false)
            default: break
            }
        }
    }

    private mutating func checkMetricsService(_ sink: YAMLField) {
        if let field = sink["report_counters_as_deltas"], field.isTrue {
            add(
                "deltas", field, "deltas, where totals are possible: what a flush loses is lost for ever",
                "set report_counters_as_deltas: false")
        }
        if sink["batch_size"] == nil {
            add(
                "message_limit", sink,
                "no batch_size: a flush is one message, and from some 900 busy clusters on it passes the 4 MiB that a "
                    + "gRPC server takes, for ever",
                "set batch_size: 2000")
        }
        if let field = sink["emit_tags_as_labels"], field.isTrue {
            add(
                .note, "labels", field, "names are taken apart into labels, and put together again by the receiver",
                "set emit_tags_as_labels: false: full names, and a third less to send")
        }
    }

    private mutating func checkOTLP(_ sink: YAMLField) {
        let deltas = sink["report_counters_as_deltas"].flatMap { $0.isTrue ? $0 : nil }
        if let deltas {
            add(
                "deltas", deltas, "deltas, where totals are possible: what an export loses is lost for ever",
                "set report_counters_as_deltas: false")
        }
        if let retries = sink.at("grpc_service", "retry_policy"), deltas != nil {
            add(
                "delta_retries", retries, "deltas with retries: one export may arrive several times",
                "send totals; Waybill itself takes an export once, other collectors do not")
        }
        if let attributes = sink["emit_tags_as_attributes"], attributes.string == "false",
            sink["use_tag_extracted_name"].map({ $0.string != "false" }) ?? true
        {
            add(
                "collapsed_names", attributes,
                "tags are cut out of names and sent nowhere: series of different clusters get one name",
                "set use_tag_extracted_name: false beside emit_tags_as_attributes: false")
        }
        let detectors = sink["resource_detectors"]
        if detectors == nil || Self.find(detectors ?? sink, where: { $0["service.instance.id"] != nil }).isEmpty {
            add(
                "no_identity", sink, "OTLP says nothing of the sender: instances can not be told apart",
                "give resource_detectors with service.instance.id (waybill config envoy --sink otlp prints them)")
        }
    }

    private mutating func checkStatsd(_ sink: YAMLField, isTagged: Bool) {
        add(
            .note, "deltas", sink, "statsd sends deltas by datagrams: what is lost is lost for ever",
            "let the metrics service be the primary sink, and statsd a cross-check")
        if isTagged {
            let tags = root.at("stats_config", "stats_tags")?.items ?? []
            if !tags.contains(where: { $0["fixed_value"] != nil }) {
                add(
                    "no_identity", sink, "no fixed tag: the sender is its address alone, which NAT and restarts change",
                    "set stats_config.stats_tags: [{tag_name: envoy_node, fixed_value: NAME}]")
            }
            if sink["max_bytes_per_datagram"] == nil {
                add(
                    "small_datagrams", sink, "one metric a datagram: the receiver's buffer overflows in bursts",
                    "set max_bytes_per_datagram: 1432")
            }
        } else if !(sink["prefix"]?.string?.contains(".") ?? false) {
            add(
                "no_identity", sink["prefix"] ?? sink,
                "the prefix names no instance: the sender is its address alone, which NAT and restarts change",
                "set prefix: envoy.NAME, one for each Envoy")
        }
    }

    private mutating func checkAdmin() {
        guard let address = root.at("admin", "address", "socket_address", "address"), let host = address.string else {
            return
        }
        guard !host.hasPrefix("127."), host != "::1", host != "localhost" else { return }
        add(
            "open_admin", address,
            "the admin interface listens on \(host): POST /reset_counters sets all counters back",
            "let it listen on 127.0.0.1")
    }

    private static func seconds(_ text: String) -> Int? {
        guard text.hasSuffix("s"), let number = Double(text.dropLast()), number < 1_000_000 else { return nil }
        return Int(number)
    }

    // MARK: Names

    private mutating func checkNames() {
        for manager in connectionManagers {
            if let prefix = manager["stat_prefix"] { checkName(prefix, "a connection manager's stat_prefix") }
            for host in manager.at("route_config", "virtual_hosts")?.items ?? [] { checkHost(host) }
        }
        for cluster in root.at("static_resources", "clusters")?.items ?? [] {
            if let name = cluster["alt_stat_name"] ?? cluster["name"] { checkName(name, "a cluster's name") }
        }
    }

    private mutating func checkHost(_ host: YAMLField) {
        let routes = host["routes"]?.items ?? []
        let clusters = host["virtual_clusters"]?.items ?? []
        let hasCounters = !clusters.isEmpty || routes.contains { $0["stat_prefix"] != nil }
        guard hasCounters else {
            return add(
                .note, "no_vhost_counters", host["name"] ?? host,
                "a virtual host without virtual_clusters has no counters of its own",
                "nothing to do where each tenant has a connection manager; else add virtual_clusters")
        }
        if let name = host["name"] { checkName(name, "a virtual host's name") }
        for cluster in clusters { if let name = cluster["name"] { checkName(name, "a virtual cluster's name") } }
        for route in routes { if let prefix = route["stat_prefix"] { checkName(prefix, "a route's stat_prefix") } }
    }

    private mutating func checkName(_ field: YAMLField, _ what: String) {
        guard let name = field.string else { return }
        let awkward = name.filter { ".|,:#; \t*/".contains($0) }
        guard !awkward.isEmpty else { return }
        let hasDot = awkward.contains(".")
        add(
            hasDot ? .wrong : .note, "name", field,
            "\(what) is \"\(name)\": "
                + (hasDot
                    ? "tags are cut at the first dot, so two tenants may become one"
                    : "statsd's names break at such characters"),
            "use letters, digits, - and _ alone (a cluster: alt_stat_name)")
    }
}
