/// The part of an Envoy's bootstrap that lets it report to Waybill. Valid for itself, so that it can be merged by
/// `--config-yaml` or taken over by hand.
struct EnvoyStanza {
    enum Sink: String, CaseIterable {
        case metricsService = "metrics-service"
        case otlp
        case statsd
        case dogstatsd
    }

    let sink: Sink
    let gateway: String
    let instance: String
    let host: String
    let port: Int

    var text: String {
        [head, tags, statsSinks, isStatsd ? nil : cluster].compactMap(\.self).joined(separator: "\n") + "\n"
    }

    private var isStatsd: Bool { sink == .statsd || sink == .dogstatsd }

    private var head: String {
        """
        # \(gateway) reports to Waybill by \(sink.rawValue)\(isStatsd ? ", a cross-check: deltas that are lost are lost" : "").
        # Merge it at each start, with a boot_id of its own:
        #   envoy -c own.yaml --config-yaml "$(sed s/BOOT_ID/$(cat /proc/sys/kernel/random/uuid)/ this.yaml)"\(settings)
        node: {id: \(quoted(instance)), cluster: \(quoted(gateway)), metadata: {boot_id: BOOT_ID}}  # id: one for each Envoy
        stats_flush_interval: 1s          # the most that a crash loses
        """
    }

    /// What `waybill serve` has to be told for it.
    private var settings: String {
        switch sink {
        case .metricsService, .otlp: ""
        case .statsd:
            """

            # and in waybill.yaml:
            #   statsd: {listen: "\(host):\(port)", senders: [{gateway: \(gateway), prefix: envoy, instance: prefix}]}
            """
        case .dogstatsd:
            """

            # and in waybill.yaml:
            #   statsd:
            #     listen: "\(host):\(port)"
            #     senders: [{gateway: \(gateway), dialect: dogstatsd, instance: "tag:envoy_node"}]
            """
        }
    }

    private var tags: String? {
        let matcher = """
            stats_config:
              stats_matcher:
                inclusion_list:             # never reject_all, which breaks updates by CDS
                  patterns:
                  - {prefix: "server."}     # state, uptime and hot-restart epoch: Waybill reads them
                  - {prefix: "http."}
                  - {prefix: "tcp."}
                  - {prefix: "cluster_manager."}
                  - {prefix: "listener_manager."}
                  - {prefix: "cluster.waybill_ingest."}
                  - {safe_regex: {regex: "^vhost\\\\..*\\\\.upstream_rq_(total|completed|retry)$"}}
                  - {safe_regex: {regex: "^cluster\\\\..*\\\\.upstream_(rq_total|rq_completed|rq_retry|cx_total|cx_rx_bytes_total|cx_tx_bytes_total)$"}}
                  - {safe_regex: {regex: "^listener\\\\..*\\\\.downstream_cx_(total|active|destroy)$"}}
            """
        guard sink == .dogstatsd else { return matcher }
        return matcher + "\n  stats_tags: [{tag_name: envoy_node, fixed_value: \(quoted(instance))}]"
    }

    private var statsSinks: String {
        switch sink {
        case .metricsService:
            """
            stats_sinks:
            - name: envoy.stat_sinks.metrics_service
              typed_config:
                "@type": type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig
                transport_api_version: V3
                grpc_service: {envoy_grpc: {cluster_name: waybill_ingest}}
                report_counters_as_deltas: false   # totals: what a flush loses, the next one carries
                emit_tags_as_labels: false         # full names, as collect and bind rules have them
                histogram_emit_mode: HISTOGRAM
                batch_size: 2000                   # below any receiver's message limit
            """
        case .otlp:
            """
            stats_sinks:
            - name: envoy.stat_sinks.open_telemetry
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig
                grpc_service: {envoy_grpc: {cluster_name: waybill_ingest}, timeout: 2s}
                report_counters_as_deltas: false
                emit_tags_as_attributes: false     # both: names stay whole
                use_tag_extracted_name: false
                resource_detectors:                # OTLP says nothing of the sender by itself
                - name: envoy.tracers.opentelemetry.resource_detectors.static_config
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig
                    attributes: {waybill.gateway: \(quoted(gateway)), service.instance.id: \(quoted(instance))}
            """
        case .statsd:
            """
            stats_sinks:
            - name: envoy.stat_sinks.statsd
              typed_config:
                "@type": type.googleapis.com/envoy.config.metrics.v3.StatsdSink
                address: {socket_address: {protocol: UDP, address: \(quoted(host)), port_value: \(port)}}
                prefix: \(quoted("envoy." + instance))   # who sends: the wire says nothing else of it
            """
        case .dogstatsd:
            """
            stats_sinks:
            - name: envoy.stat_sinks.dog_statsd
              typed_config:
                "@type": type.googleapis.com/envoy.config.metrics.v3.DogStatsdSink
                address: {socket_address: {protocol: UDP, address: \(quoted(host)), port_value: \(port)}}
                max_bytes_per_datagram: 1432
            """
        }
    }

    private var cluster: String {
        """
        static_resources:
          clusters:
          - name: waybill_ingest
            type: STRICT_DNS
            connect_timeout: 1s
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config:     # keepalive finds a dead worker, and the stream moves to a living one
                  http2_protocol_options: {connection_keepalive: {interval: 10s, timeout: 5s}}
            load_assignment:
              cluster_name: waybill_ingest
              endpoints:
              - lb_endpoints:
                - endpoint: {address: {socket_address: {address: \(quoted(host)), port_value: \(port)}}}
        """
    }

    /// As a YAML string.
    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
