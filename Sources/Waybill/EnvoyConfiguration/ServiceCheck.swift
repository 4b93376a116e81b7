import StrictYAML

/// Holds a Kubernetes Service against a bootstrap: PROXY protocol at both ends or at neither, and where TLS ends.
struct ServiceCheck {
    private static let prefix = "service.beta.kubernetes.io/aws-load-balancer-"

    private(set) var findings: [BootstrapFinding] = []

    init(_ service: YAMLField, _ bootstrap: BootstrapCheck, root: YAMLField) {
        let annotations = service.at("metadata", "annotations")
        func annotation(_ name: String) -> YAMLField? { annotations?[Self.prefix + name] }
        let listeners = bootstrap.listeners
        let readers = BootstrapCheck.find(root) {
            $0["name"]?.string == "envoy.filters.listener.proxy_protocol" || $0["use_proxy_proto"]?.isTrue == true
        }
        let attributes = annotation("target-group-attributes")
        let sender =
            annotation("proxy-protocol")
            ?? attributes.flatMap { $0.string?.contains("proxy_protocol_v2.enabled=true") == true ? $0 : nil }
        switch (sender, readers.first) {
        case (let sender?, nil):
            add(
                .wrong, "proxy_protocol", sender,
                "the load balancer sends PROXY protocol and no listener reads it: every request is malformed",
                "add the listener filter envoy.filters.listener.proxy_protocol, or take the annotation out")
        case (nil, let reader?):
            add(
                .wrong, "proxy_protocol", reader,
                "a listener expects PROXY protocol and the Service's load balancer does not send it: connections hang",
                "annotate the Service with \(Self.prefix)proxy-protocol: \"*\", or take the listener filter out")
        default: break
        }
        let tls = BootstrapCheck.find(root) {
            $0["@type"]?.string?.hasSuffix(".DownstreamTlsContext") == true
        }
        let certificate = annotation("ssl-cert")
        switch (certificate, tls.first) {
        case (let certificate?, nil):
            add(
                .note, "tls", certificate, "TLS ends at the load balancer; Envoy counts plaintext bytes",
                "nothing to do: an NLB then needs a TLS listener, and processed bytes are those after TLS")
        case (let certificate?, let context?) where annotation("backend-protocol")?.string?.lowercased() != "ssl":
            add(
                .wrong, "tls", certificate,
                "TLS ends at the load balancer, and a listener at \(context.place) expects TLS again",
                "annotate \(Self.prefix)backend-protocol: ssl, or take one of the two out")
        case (nil, let context?):
            add(
                .note, "tls", context, "TLS ends at Envoy; its bytes are counted after TLS",
                "nothing to do: failed handshakes are new connections too")
        case (nil, nil):
            add(
                .note, "tls", listeners.first ?? root, "TLS ends nowhere: requests arrive in the clear", "nothing to do"
            )
        default: break
        }
    }

    private mutating func add(
        _ severity: BootstrapFinding.Severity, _ trap: String, _ field: YAMLField, _ found: String, _ remedy: String
    ) {
        findings.append(
            BootstrapFinding(severity: severity, trap: trap, place: field.place, found: found, remedy: remedy))
    }
}
