import ArgumentParser
import Ingest
import StrictYAML
import WireFormats

/// The flags of `serve` for what is received besides Envoy's metrics service. They come before the settings file.
struct IngestOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where statsd datagrams are received.", valueName: "host:port"))
    var statsdListen: ListenAddress?

    @Option(
        name: .customLong("statsd-tcp-listen"),
        help: ArgumentHelp("Where statsd is received over TCP.", valueName: "host:port"))
    var statsdTCPListen: ListenAddress?

    @Option(help: ArgumentHelp("The gateway that sends statsd.", valueName: "name"))
    var statsdGateway: String?

    @Option(help: ArgumentHelp("What the sink puts before names (envoy).", valueName: "text"))
    var statsdPrefix: String?

    @Option(help: "statsd, dogstatsd or graphite (statsd).")
    var statsdDialect: StatsdDialect?

    @Option(
        help: ArgumentHelp(
            "How instances are told: address, prefix, tag:NAME or name:NAME (address).", valueName: "how"))
    var statsdInstance: StatsdSenders.InstanceName?

    @Option(help: ArgumentHelp("Addresses that may send statsd; repeatable. Loopback unless given.", valueName: "cidr"))
    var statsdAllow: [CIDRBlock] = []

    @Option(
        name: .customLong("otlp-http-listen"),
        help: ArgumentHelp("Where OTLP is received over HTTP, at /v1/metrics.", valueName: "host:port"))
    var otlpHTTPListen: ListenAddress?

    @Option(help: ArgumentHelp("Pull /stats/prometheus of an Envoy; repeatable.", valueName: "url"))
    var pull: [PrometheusTarget] = []

    @Option(help: ArgumentHelp("Pull from every address of a DNS name; repeatable.", valueName: "host:port"))
    var pullDNS: [PrometheusTarget] = []

    @Option(help: ArgumentHelp("The gateway that is pulled from.", valueName: "name"))
    var pullGateway: String?

    @Option(help: "Time between two pulls (5s).")
    var pullInterval: Interval?

    @Option(help: ArgumentHelp("A gateway whose metrics_service sinks send deltas; repeatable.", valueName: "name"))
    var deltaGateway: [String] = []

    @Option(help: ArgumentHelp("Where the sums of delta sources are kept; one for each worker.", valueName: "dir"))
    var spoolDir: String?

    @Flag(help: "Listen beyond loopback without TLS: whoever reaches the port can make usage up.")
    var insecureTrustNetwork = false

    /// The settings with what the flags say in their place.
    func over(_ file: IngestSettings) throws -> IngestSettings {
        var settings = file
        settings.statsd.udp = statsdListen ?? file.statsd.udp
        settings.statsd.tcp = statsdTCPListen ?? file.statsd.tcp
        settings.otlpHTTP = otlpHTTPListen ?? file.otlpHTTP
        settings.spoolDirectory = spoolDir ?? file.spoolDirectory
        settings.deltaGateways.formUnion(deltaGateway)
        settings.trustsNetwork = insecureTrustNetwork || file.trustsNetwork
        let saysSender =
            statsdGateway != nil || statsdPrefix != nil || statsdDialect != nil || statsdInstance != nil
            || !statsdAllow.isEmpty
        let listens = settings.statsd.udp != nil || settings.statsd.tcp != nil
        if saysSender || (listens && settings.statsd.senders.isEmpty) {
            guard let gateway = statsdGateway else {
                throw CommandError(
                    .usage, "statsd names no gateway: say which one sends, as --statsd-gateway gw-eu")
            }
            var rule = StatsdSenders.Rule(
                gateway: gateway, allow: statsdAllow.isEmpty ? CIDRBlock.loopback : statsdAllow)
            if let statsdPrefix { rule.prefix = statsdPrefix }
            if let statsdDialect { rule.dialect = statsdDialect }
            if let statsdInstance { rule.instance = statsdInstance }
            settings.statsd.senders = [rule]
        }
        if !pull.isEmpty || !pullDNS.isEmpty {
            guard let gateway = pullGateway else {
                throw CommandError(.usage, "a pull names no gateway: say which one it is, as --pull-gateway gw-eu")
            }
            var pulls = PrometheusPuller.Configuration(gateway: gateway)
            pulls.targets = pull
            pulls.names = pullDNS
            if let pullInterval { pulls.interval = pullInterval.microseconds }
            settings.pulls.append(pulls)
        }
        return settings
    }
}

extension StatsdDialect: ExpressibleByArgument {}

extension StatsdSenders.InstanceName: ExpressibleByArgument {
    package init?(argument: String) { self.init(setting: argument) }
}

extension CIDRBlock: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension PrometheusTarget: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
