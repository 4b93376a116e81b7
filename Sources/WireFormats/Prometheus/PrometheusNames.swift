/// From a Prometheus family name back to the tag-extracted name of the stat.
///
/// Envoy writes `envoy_` before it and `_` for every character that Prometheus does not take: for the dots between its parts,
/// and for what an operator's names hold besides. The parts that Envoy itself puts into names are known, so their dots come
/// back. What is left between them comes from a name of the configuration with a dot in it (`cluster.a.b` is extracted as
/// `cluster.b` with the tag `a`): there `_` is kept, and the name is said to be ambiguous.
package enum PrometheusNames {
    package struct Name: Hashable, Sendable {
        package var text: String
        /// Whether a part of it may have been written otherwise in Envoy: two stats can come out as one name.
        package var isAmbiguous = false
    }

    /// The tag-extracted name. A family without Envoy's prefix is one of a custom namespace, and its name stays as it is.
    package static func extracted(family: String) -> Name {
        guard family.hasPrefix("envoy_") else { return Name(text: family) }
        let rest = family.dropFirst("envoy_".count)
        for root in roots where rest.hasPrefix(root.written) {
            let inner = rest.dropFirst(root.written.count)
            guard !inner.isEmpty else { continue }
            return name(root, inner)
        }
        // No root of Envoy's: a stat of an extension.
        return Name(text: String(rest), isAmbiguous: rest.contains("_"))
    }

    /// The tag of a label: Prometheus takes no dots in them either.
    package static func tag(label: String) -> String { tags[label] ?? label }

    private static let tags = Dictionary(
        uniqueKeysWithValues: EnvoyTags.known.map { ($0.replacing(".", with: "_"), $0) })

    private static func name(_ root: Root, _ rest: Substring) -> Name {
        for scope in root.scopes {
            guard rest.hasPrefix(scope.written) else { continue }
            let leaf = rest.dropFirst(scope.written.count)
            guard !leaf.isEmpty, scope.leaves.isEmpty || scope.leaves.contains(where: leaf.hasPrefix) else { continue }
            return Name(text: "\(root.text).\(scope.text).\(leaf)")
        }
        guard !root.leaves.isEmpty, !root.leaves.contains(where: rest.hasPrefix) else {
            return Name(text: "\(root.text).\(rest)")
        }
        return foreign(root, rest)
    }

    /// A name with parts of the configuration in it: `ted_name_upstream_rq_total`.
    private static func foreign(_ root: Root, _ rest: Substring) -> Name {
        var leafStart: Substring.Index?
        for leaf in root.leaves {
            guard let found = rest.firstRange(of: "_" + leaf)?.lowerBound else { continue }
            leafStart = leafStart.map { min($0, found) } ?? found
        }
        guard let leafStart else { return Name(text: "\(root.text).\(rest)") }
        var head = String(rest[..<leafStart])
        for marker in root.markers {
            if head.hasPrefix("\(marker)_") { head = "\(marker)." + head.dropFirst(marker.count + 1) }
            if head.hasSuffix("_\(marker)") { head = head.dropLast(marker.count + 1) + ".\(marker)" }
            head = head.replacing("_\(marker)_", with: ".\(marker).")
        }
        return Name(
            text: "\(root.text).\(head).\(rest[rest.index(after: leafStart)...])",
            isAmbiguous: !root.markers.contains(head))
    }

    /// The first part of a name, and what Envoy puts behind it.
    private struct Root: Sendable {
        let text: String
        /// As Prometheus has it, with the `_` that ends it.
        let written: String
        let scopes: [Scope]
        /// How the last parts begin, where a name of the configuration may stand before them.
        let leaves: [String]
        /// Parts that stand between names of the configuration.
        let markers: [String]

        init(_ text: String, _ scopes: [Scope] = [], leaves: [String] = [], markers: [String] = []) {
            self.text = text
            written = text.replacing(".", with: "_") + "_"
            // Longer ones first: `ssl.certificate` before `ssl`.
            self.scopes = scopes.sorted { $0.written.count > $1.written.count }
            self.leaves = leaves
            self.markers = markers
        }
    }

    private struct Scope: Sendable, ExpressibleByStringLiteral {
        let text: String
        let written: String
        /// How a last part must begin for this to be a scope; empty for any.
        let leaves: [String]

        init(_ text: String, _ leaves: [String]) {
            self.text = text
            written = text.replacing(".", with: "_") + "_"
            self.leaves = leaves
        }

        init(stringLiteral text: String) { self.init(text, []) }
    }

    private static let ssl: [Scope] = ["ssl", "ssl.certificate", "ssl.curves", "ssl.versions", "ssl.sigalgs"]

    private static let roots: [Root] = [
        Root(
            "cluster",
            ssl + [
                "circuit_breakers.default", "circuit_breakers.high", "health_check", "http1", "http2", "http3",
                "outlier_detection", "client_ssl_socket_factory", "ext_authz", "grpc", "endpoint", "original_dst_lb",
                Scope("default", ["total_match_count"]), Scope("external", ["upstream_rq"]),
                Scope("internal", ["upstream_rq"]), Scope("canary", ["upstream_rq"]), Scope("retry", ["upstream_rq"]),
                Scope("zone", ["upstream_rq"]),
            ],
            leaves: [
                "upstream_", "membership_", "lb_", "update_", "assignment_", "bind_errors", "circuit_breakers_",
                "external_", "health_check_", "http1_", "http2_", "http3_", "max_host_weight", "original_dst_",
                "outlier_", "retry_or_shadow", "version", "warming_state", "total_match_count", "init_fetch_timeout",
                "ssl_", "internal_", "ext_authz_", "grpc_", "update", "config_reload", "control_plane_",
            ]),
        Root(
            "http",
            ["health_check", "rbac", "rbac.policy", "tracing", "ext_authz", "fault", "rds", "scoped_rds", "user_agent"]
                + ["cors", "csrf", "buffer", "jwt_authn", "lua", "dynamodb", "dynamodb.operation", "dynamodb.table"]
                + ["dynamodb.error", "admission_control"],
            leaves: []),
        Root("vhost", [], leaves: ["upstream_rq", "upstream_rq_"], markers: ["vcluster", "route"]),
        Root(
            "listener",
            ssl + [
                "http", "admin.http", "admin.main_thread", "admin", "main_thread", "server_ssl_socket_factory",
                "original_dst",
            ]),
        Root("server", ["compilation_settings", "main_thread"]),
        Root("thread_local_cluster_manager", ["main_thread"]),
        Root("access_logs.grpc_access_log"), Root("envoy.overload_actions.reset_high_memory_stream"),
        Root("auth.clientssl"), Root("cluster_manager"), Root("connection_limit"), Root("control_plane"),
        Root("dns_filter"), Root("filesystem"), Root("grpc"), Root("http1"), Root("http2"), Root("http3"),
        Root("http_local_rate_limit"), Root("listener_local_ratelimit"), Root("listener_manager", ["lds"]),
        Root("local_rate_limit"), Root("main_thread"), Root("mongo"), Root("overload"), Root("proxy_proto"),
        Root("ratelimit"), Root("redis"), Root("runtime"), Root("sds"), Root("statsd"), Root("tcp"),
        Root("thrift"), Root("tls_inspector"), Root("http_inspector"), Root("udp"), Root("workers"),
    ].sorted { $0.written.count > $1.written.count }
}
