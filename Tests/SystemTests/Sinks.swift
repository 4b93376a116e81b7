import DemoGateway

/// All the ways by which one Envoy can report, beside the metrics service of the demo's bootstrap.
struct Sinks {
    enum Naming {
        /// Each way is a gateway of its own, so that each can be held against what was sent.
        case apart
        /// All ways are of one instance of one gateway, so that nothing may count twice, though plain statsd comes by UDP
        /// and by TCP.
        case together(gateway: String, instance: String)
    }

    let naming: Naming
    /// Where one more statsd sink sends: a witness of what reached the wire. Nil for none.
    var witnessPort: Int?
    let udpPort: Int
    let tcpPort: Int
    let otlpPort: Int

    static func onFreePorts(_ naming: Naming = .apart, witnessPort: Int? = nil) async throws -> Sinks {
        let ports = try await FreePorts.find(3)
        return Sinks(
            naming: naming, witnessPort: witnessPort, udpPort: ports[0], tcpPort: ports[1], otlpPort: ports[2])
    }

    /// The settings of `serve`.
    func settings(adminPort: Int) -> String {
        let pulled: String
        let senders: String
        switch naming {
        case .apart:
            pulled = "pulled"
            senders = """
                  - {gateway: plain, prefix: plain, instance: name:edge-1}
                  - {gateway: tcp, prefix: tcp.edge, instance: prefix}
                  - {gateway: dog, prefix: dog, dialect: dogstatsd, instance: tag:envoy_node}
                  - {gateway: graphite, prefix: graphite, dialect: graphite, instance: tag:envoy_node}
                """
        case .together(let gateway, let instance):
            pulled = gateway
            senders = """
                  - {gateway: \(gateway), prefix: plain, instance: name:\(instance)}
                  - {gateway: \(gateway), prefix: dog, dialect: dogstatsd, instance: tag:envoy_node}
                  - {gateway: \(gateway), prefix: graphite, dialect: graphite, instance: tag:envoy_node}
                """
        }
        return """
            statsd:
              listen: 127.0.0.1:\(udpPort)
              tcp_listen: 127.0.0.1:\(tcpPort)
              senders:
            \(senders)
            otlp:
              http_listen: 127.0.0.1:\(otlpPort)
              ignored_tags: [envoy_node]
            prometheus:
            - gateway: \(pulled)
              targets: ["http://127.0.0.1:\(adminPort)/stats/prometheus"]
              interval: 500ms
              ignored_labels: [envoy_node]

            """
    }

    /// The demo's bootstrap with all sinks.
    func added(to bootstrap: String) -> String {
        ["acme", "globex", "initech"].reduce(bootstrap) { bootstrap, tenant in
            bootstrap.replacing(
                "          stat_prefix: tenant_\(tenant)\n",
                with: "          stat_prefix: tenant_\(tenant)\n" + accessLog("tenant_\(tenant)"))
        }
        .replacing("static_resources:\n", with: sinks + "\nstatic_resources:\n")
        .replacing(
            "stats_config:\n", with: "stats_config:\n  stats_tags: [{tag_name: envoy_node, fixed_value: \(instance)}]\n"
        )
        .replacing(
            "  clusters:\n",
            with: """
                  clusters:
                  - name: statsd_tcp
                    type: STATIC
                    connect_timeout: 1s
                    load_assignment:
                      cluster_name: statsd_tcp
                      endpoints:
                      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \(tcpPort)}}}}]

                """)
    }

    private func accessLog(_ name: String) -> String {
        """
                  access_log:
                  - name: envoy.access_loggers.http_grpc
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig
                      common_config:
                        log_name: \(name)
                        transport_api_version: V3
                        grpc_service: {envoy_grpc: {cluster_name: waybill_ingest}}
                        grpc_stream_retry_policy: {num_retries: 5}

        """
    }

    private var instance: String {
        switch naming {
        case .apart: "edge-1"
        case .together(_, let instance): instance
        }
    }

    private func udp(_ port: Int) -> String {
        "{socket_address: {protocol: UDP, address: 127.0.0.1, port_value: \(port)}}"
    }

    private var sinks: String {
        let witness =
            witnessPort.map { port in
                """
                - name: envoy.stat_sinks.statsd
                  typed_config:
                    "@type": type.googleapis.com/envoy.config.metrics.v3.StatsdSink
                    address: \(udp(port))
                    prefix: \(WireWitness.prefix)
                """
            } ?? ""
        switch naming {
        case .apart: return allSinks + witness
        case .together(let gateway, _):
            return plainSink + dogSink + tcpSink("plain") + graphiteSink + otlp(gateway, deltas: false) + "\n" + witness
        }
    }

    private var plainSink: String {
        """
        - name: envoy.stat_sinks.statsd
          typed_config:
            "@type": type.googleapis.com/envoy.config.metrics.v3.StatsdSink
            address: \(udp(udpPort))
            prefix: plain

        """
    }

    private var dogSink: String {
        """
        - name: envoy.stat_sinks.dog_statsd
          typed_config:
            "@type": type.googleapis.com/envoy.config.metrics.v3.DogStatsdSink
            address: \(udp(udpPort))
            prefix: dog
            max_bytes_per_datagram: 1432

        """
    }

    private func tcpSink(_ prefix: String) -> String {
        """
        - name: envoy.stat_sinks.statsd
          typed_config:
            "@type": type.googleapis.com/envoy.config.metrics.v3.StatsdSink
            tcp_cluster_name: statsd_tcp
            prefix: \(prefix)

        """
    }

    private var graphiteSink: String {
        """
        - name: envoy.stat_sinks.graphite_statsd
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink
            address: \(udp(udpPort))
            prefix: graphite
            max_bytes_per_datagram: 1432

        """
    }

    private var allSinks: String {
        plainSink + dogSink + tcpSink("tcp.edge.node-1") + graphiteSink + """
            \(otlp("otlp", deltas: false))
            \(otlp("otlp-delta", deltas: true))
            """
    }

    private func otlp(_ gateway: String, deltas: Bool) -> String {
        """
        - name: envoy.stat_sinks.open_telemetry
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig
            grpc_service: {envoy_grpc: {cluster_name: waybill_ingest}, timeout: 2s}
            report_counters_as_deltas: \(deltas)
            emit_tags_as_attributes: true
            resource_detectors:
            - name: envoy.tracers.opentelemetry.resource_detectors.static_config
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig
                attributes: {service.instance.id: \(instance), service.name: \(gateway)}
        """
    }
}
