/// Puts a stat's full name together again from its tag-extracted name and its tags.
///
/// Sinks with tags take parts out of a name: `cluster.svc_a.upstream_rq_total` becomes `cluster.upstream_rq_total` with
/// `envoy.cluster_name` = `svc_a`. Where a part stood follows from its tag. The rules are Envoy 1.40's default extractors,
/// inverted; Envoy matches all of them against the full name, so no rule sees what another took out.
///
/// A tag that no rule knows was set by an operator (`stats_tags`), be it a fixed one or one that took a part out of the
/// name. It is kept behind the name (`…;tag=value`), so that two series never become one; `ignoring` drops those that only
/// say who sends.
///
/// Source: Envoy's default tag extractors (source/common/config/well_known_names), as in the program of 1.40.0.
package enum EnvoyTags {
    package struct Tag: Hashable, Sendable {
        package var name: String
        package var value: [UInt8]

        package init(_ name: String, _ value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// The full name.
    package static func fullName(of extracted: [UInt8], tags: [Tag], ignoring: Set<String> = []) -> [UInt8] {
        var name = extracted
        var rest = tags
        for rule in rules {
            // A tag may come twice only by an operator's doing: the first one is the extractor's.
            guard let index = rest.firstIndex(where: { $0.name == rule.tag }) else { continue }
            if rule.insert(rest[index].value, into: &name) { rest.remove(at: index) }
        }
        let foreign = rest.filter { !ignoring.contains($0.name) }
            .sorted { ($0.name, $0.value.hex) < ($1.name, $1.value.hex) }
        for tag in foreign {
            name.append(UInt8(ascii: ";"))
            name += Array(tag.name.utf8) + [UInt8(ascii: "=")] + tag.value
        }
        return name
    }

    /// Where a tag's value stood.
    private struct Rule: Sendable {
        enum Place: Sendable {
            /// As the token behind these, of which `*` is any; after `lead`, which was taken out with it.
            case token([String], lead: String = "")
            /// Directly behind the first of these texts, which begins at this token's start, and before a dot.
            case behind(prefixes: [String], marker: String)
            /// As the last token, behind a name that begins and ends so; after `lead`.
            case last(prefix: String, suffix: String, lead: String = "")
            /// Between the two texts at the end of the name.
            case ending(String, String)
            /// As in `worker_0.`: the value and a dot, directly behind the first `worker_`.
            case worker
            case proxyProtocolVersion
            /// An address behind these tokens, in which Envoy writes `_` for `:`.
            case address([String])
            /// Beside the name: it says more of what another tag names.
            case nowhere
        }

        let tag: String
        let place: Place

        init(_ tag: String, _ place: Place) {
            self.tag = tag
            self.place = place
        }

        /// Puts `value` back where it stood. False where the name has no such place.
        func insert(_ value: [UInt8], into name: inout [UInt8]) -> Bool {
            switch place {
            case .token(let tokens, let lead):
                guard let index = EnvoyTags.start(behind: tokens, in: name) else { return false }
                name.insert(contentsOf: Array(lead.utf8) + value + [dot], at: index)
            case .behind(let prefixes, let marker):
                guard prefixes.contains(where: { name.starts(with: $0.utf8) }) else { return false }
                guard let end = EnvoyTags.end(ofFirst: Array(marker.utf8), in: name) else { return false }
                name.insert(contentsOf: value + [dot], at: end)
            case .last(let prefix, let suffix, let lead):
                guard name.starts(with: prefix.utf8), name.hasSuffix(suffix) else { return false }
                name += [dot] + Array(lead.utf8) + value
            case .ending(let before, let after):
                guard name.hasSuffix(before + after) else { return false }
                let inserted = after.isEmpty ? [UInt8(ascii: "_")] + value : value
                name.insert(contentsOf: inserted, at: name.count - after.utf8.count)
            case .worker:
                let roots = [
                    "listener.", "server.worker_", "listener_manager.worker_", "thread_local_cluster_manager.",
                ]
                guard roots.contains(where: { name.starts(with: $0.utf8) }) else { return false }
                guard let end = EnvoyTags.end(ofFirst: Array(".worker_".utf8), in: name) else { return false }
                name.insert(contentsOf: value + [dot], at: end)
            case .address(let tokens):
                guard let index = EnvoyTags.start(behind: tokens, in: name) else { return false }
                let sanitised = value.map { $0 == UInt8(ascii: ":") ? UInt8(ascii: "_") : $0 }
                name.insert(contentsOf: sanitised + [dot], at: index)
            case .nowhere:
                return true
            case .proxyProtocolVersion:
                guard name.starts(with: "proxy_proto.".utf8) else { return false }
                name.insert(contentsOf: Array("versions.v".utf8) + value + [dot], at: "proxy_proto.".utf8.count)
            }
            return true
        }
    }

    /// Outer parts first: a rule counts the tokens of what the ones before it put back.
    private static let rules: [Rule] = [
        Rule("envoy.response_code", .ending("_rq", "")),
        Rule("envoy.response_code_class", .ending("_rq_", "xx")),
        Rule("envoy.worker_id", .worker),
        Rule("envoy.listener_address", .token(["listener"])),
        Rule("envoy.cluster_name", .token(["cluster"])),
        Rule("envoy.virtual_host", .token(["vhost"])),
        Rule("envoy.http_conn_manager_prefix", .token(["http"])),
        Rule("envoy.http_conn_manager_prefix", .behind(prefixes: ["listener."], marker: ".http.")),
        Rule("envoy.virtual_cluster", .token(["vhost", "*", "vcluster"])),
        Rule("envoy.route", .token(["vhost", "*", "route"])),
        Rule("envoy.tcp_prefix", .token(["tcp"])),
        Rule("envoy.udp_prefix", .token(["udp"])),
        Rule("envoy.clientssl_prefix", .token(["auth", "clientssl"])),
        Rule("envoy.ratelimit_prefix", .token(["ratelimit"])),
        Rule("envoy.local_http_ratelimit_prefix", .token([])),
        Rule("envoy.local_network_ratelimit_prefix", .token(["local_rate_limit"])),
        Rule("envoy.local_listener_ratelimit_prefix", .token(["listener_local_ratelimit"])),
        Rule("envoy.dns_filter_prefix", .token(["dns_filter"])),
        Rule("envoy.connection_limit_prefix", .token(["connection_limit"])),
        Rule("envoy.thrift_prefix", .token(["thrift"])),
        Rule("envoy.redis_prefix", .token(["redis"])),
        Rule("envoy.mongo_prefix", .token(["mongo"])),
        Rule("envoy.mongo_cmd", .token(["mongo", "*", "cmd"])),
        Rule("envoy.mongo_collection", .token(["mongo", "*", "collection"])),
        Rule("envoy.mongo_callsite", .token(["mongo", "*", "collection", "*", "callsite"])),
        Rule("envoy.grpc_bridge_service", .token(["cluster", "*", "grpc"])),
        Rule("envoy.grpc_bridge_method", .token(["cluster", "*", "grpc", "*"])),
        Rule("envoy.google_grpc_client_prefix", .token(["grpc"])),
        Rule("envoy.endpoint_address", .address(["cluster", "*", "endpoint"])),
        Rule("envoy.endpoint_hostname", .nowhere),
        Rule("envoy.ext_authz_prefix", .token(["http", "*", "ext_authz"])),
        Rule("envoy.ext_authz_prefix", .token(["cluster", "*", "ext_authz"])),
        Rule("envoy.http_user_agent", .token(["http", "*", "user_agent"])),
        Rule("envoy.fault_downstream_cluster", .token(["http", "*", "fault"])),
        Rule("envoy.rds_route_config", .behind(prefixes: ["http."], marker: ".rds.")),
        Rule("envoy.scoped_rds_config", .behind(prefixes: ["http."], marker: ".scoped_rds.")),
        Rule("envoy.rbac_prefix", .token([])),
        Rule("envoy.rbac_http_prefix", .token(["http", "*", "rbac"])),
        Rule("envoy.rbac_policy_name", .behind(prefixes: ["http."], marker: ".policy.")),
        Rule("envoy.dynamo_operation", .last(prefix: "http.", suffix: ".dynamodb.operation")),
        Rule("envoy.dynamo_table", .token(["http", "*", "dynamodb", "table"])),
        Rule("envoy.dynamo_table", .token(["http", "*", "dynamodb", "error"])),
        Rule("envoy.dynamo_operation", .token(["http", "*", "dynamodb", "operation"])),
        Rule("envoy.dynamo_operation", .last(prefix: "http.", suffix: ".capacity")),
        Rule("envoy.dynamo_partition_id", .last(prefix: "http.", suffix: "", lead: "__partition_id=")),
        Rule("envoy.proxy_protocol_version", .proxyProtocolVersion),
        Rule("envoy.proxy_protocol_prefix", .token(["proxy_proto"])),
        Rule("envoy.tls_certificate", .behind(prefixes: ["listener.", "cluster."], marker: ".ssl.certificate.")),
        Rule("envoy.ssl_cipher", .last(prefix: "listener.", suffix: ".ssl.ciphers")),
        Rule("envoy.ssl_curve", .last(prefix: "listener.", suffix: ".ssl.curves")),
        Rule("envoy.ssl_curve", .last(prefix: "cluster.", suffix: ".ssl.curves")),
        Rule("envoy.ssl_sigalg", .last(prefix: "listener.", suffix: ".ssl.sigalgs")),
        Rule("envoy.ssl_sigalg", .last(prefix: "cluster.", suffix: ".ssl.sigalgs")),
        Rule("envoy.ssl_version", .last(prefix: "listener.", suffix: ".ssl.versions")),
        Rule("envoy.ssl_version", .last(prefix: "cluster.", suffix: ".ssl.versions")),
        Rule("cipher_suite", .last(prefix: "cluster.", suffix: ".ssl.ciphers")),
        Rule("envoy.health_check_name", .token(["cluster", "*", "health_check"], lead: "name.")),
        Rule("envoy.xds_resource_name", .token(["sds"])),
    ]

    /// The tags that a rule puts back.
    package static let known = Set(rules.map(\.tag))

    /// Those whose value stands in the full name as it is.
    private static let literal = Set(
        rules.filter {
            switch $0.place {
            case .nowhere, .address: false
            default: true
            }
        }.map(\.tag))

    /// Whether a tag is Envoy's own and its value stands in the full name as it is.
    package static func standsInName(_ tag: Span<UInt8>) -> Bool {
        var bytes: [UInt8] = []
        for index in tag.indices { bytes.append(tag[index]) }
        return literal.contains(String(decoding: bytes, as: UTF8.self))
    }

    private static let dot = UInt8(ascii: ".")

    /// Where the token after `tokens` begins. Nil where the name begins otherwise or ends there.
    private static func start(behind tokens: [String], in name: [UInt8]) -> Int? {
        var index = 0
        for token in tokens {
            guard let end = name[index...].firstIndex(of: dot) else { return nil }
            guard token == "*" || name[index..<end].elementsEqual(token.utf8) else { return nil }
            index = end + 1
        }
        return index
    }

    private static func end(ofFirst text: [UInt8], in name: [UInt8]) -> Int? {
        guard name.count >= text.count else { return nil }
        return (0...(name.count - text.count)).first { name[$0..<($0 + text.count)].elementsEqual(text) }
            .map { $0 + text.count }
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ text: String) -> Bool {
        count >= text.utf8.count && self[(count - text.utf8.count)...].elementsEqual(text.utf8)
    }

    /// For an order of bytes.
    fileprivate var hex: String { map { String(UInt16($0) + 256, radix: 16) }.joined() }
}
