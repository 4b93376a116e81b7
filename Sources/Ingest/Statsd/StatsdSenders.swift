package import Metering
package import WireFormats

/// Who may send statsd, and as whom it is counted. Pure.
///
/// The wire names no sender: it is told by its address, and by what stands before the names or in a fixed tag.
package struct StatsdSenders: Sendable {
    /// How an instance is told from the others of its gateway.
    package enum InstanceName: Hashable, Sendable {
        /// The sender's address.
        case address
        /// What stands between the prefix and the name: `prefix: billing.node-7` in the sink, `billing` here.
        case prefix
        /// A fixed tag (`stats_tags`, or `--stats-tag`), of dogstatsd and graphite.
        case tag(String)
        /// One instance for all.
        case fixed(String)
    }

    package struct Rule: Hashable, Sendable {
        package var gateway: String
        package var allow: [CIDRBlock]
        /// Without the dot that follows; empty for none.
        package var prefix = "envoy"
        package var dialect = StatsdDialect.plain
        package var instance = InstanceName.address
        /// Other fixed tags that are no part of a name.
        package var ignoredTags: Set<String> = []

        package init(gateway: String, allow: [CIDRBlock]) {
            self.gateway = gateway
            self.allow = allow
        }
    }

    package let rules: [Rule]

    package init(rules: [Rule]) {
        self.rules = rules
    }

    /// Whether some rule lets an address send: asked before anything of a datagram is read.
    package func allows(_ address: PeerAddress) -> Bool {
        rules.contains { rule in rule.allow.contains { $0.contains(address) } }
    }

    /// The rule where an address alone tells the instance; nil where the lines have to be looked at.
    package func known(_ address: PeerAddress) -> Sender? {
        let candidates = candidates(address)
        guard candidates.count == 1 else { return nil }
        switch candidates[0].instance {
        case .address: return Sender(candidates[0], instance: "\(address)")
        case .fixed(let name): return Sender(candidates[0], instance: name)
        case .prefix, .tag: return nil
        }
    }

    /// As whom a payload is counted, by its first line that names an instance; nil where there is none.
    package func sender(_ address: PeerAddress, payload: Span<UInt8>) -> Sender? {
        for rule in candidates(address) {
            var finder = InstanceFinder(rule: rule)
            StatsdLines.read(payload, dialect: rule.dialect, into: &finder)
            guard finder.hasPrefix else { continue }
            switch rule.instance {
            case .address: return Sender(rule, instance: "\(address)")
            case .fixed(let name): return Sender(rule, instance: name)
            case .prefix, .tag:
                if let name = finder.instance { return Sender(rule, instance: name) }
            }
        }
        return nil
    }

    private func candidates(_ address: PeerAddress) -> [Rule] {
        rules.filter { rule in rule.allow.contains { $0.contains(address) } }
    }

    /// One instance, and how its lines are read.
    package struct Sender: Hashable, Sendable {
        package let key: OdometerKey
        package let dialect: StatsdDialect
        /// What stands before the names.
        package let prefix: String
        private let ignoring: Set<String>
        private let isOneForAll: Bool

        init(_ rule: Rule, instance: String) {
            key = OdometerKey(source: rule.dialect.source, gateway: rule.gateway, instance: instance)
            dialect = rule.dialect
            var ignoring = rule.ignoredTags
            switch rule.instance {
            case .prefix: prefix = rule.prefix.isEmpty ? instance : rule.prefix + "." + instance
            case .tag(let tag):
                prefix = rule.prefix
                ignoring.insert(tag)
            case .address, .fixed: prefix = rule.prefix
            }
            self.ignoring = ignoring
            isOneForAll = if case .fixed = rule.instance { true } else { false }
        }

        package func feed(_ odometer: Odometer) -> DeltaFeed {
            DeltaFeed(
                odometer: odometer, dialect: dialect, prefix: prefix, ignoring: ignoring, isOneForAll: isOneForAll)
        }
    }
}

/// Looks for the first line that carries a rule's prefix, and for the instance in it.
private struct InstanceFinder: StatsdVisitor {
    let rule: StatsdSenders.Rule
    var hasPrefix = false
    var instance: String?

    mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) { look(name, tags) }
    mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) { look(name, tags) }
    mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) {}

    private mutating func look(_ name: Span<UInt8>, _ tags: Span<UInt8>) {
        guard instance == nil, !hasPrefix || isSought else { return }
        var start = 0
        if !rule.prefix.isEmpty {
            let prefix = Array(rule.prefix.utf8) + [UInt8(ascii: ".")]
            guard name.begins(with: prefix.span) else { return }
            start = prefix.count
        }
        hasPrefix = true
        switch rule.instance {
        case .address, .fixed: break
        case .prefix:
            var end = start
            while end < name.count, name[end] != UInt8(ascii: ".") { end += 1 }
            if end < name.count { instance = Self.text(name.extracting(start..<end)) }
        case .tag(let wanted):
            var found: String?
            StatsdTags.forEach(in: tags, dialect: rule.dialect) { tag, value in
                if found == nil, tag.equals(wanted.utf8.span) { found = Self.text(value) }
            }
            instance = found
        }
    }

    private var isSought: Bool {
        switch rule.instance {
        case .prefix, .tag: true
        case .address, .fixed: false
        }
    }

    private static func text(_ span: Span<UInt8>) -> String? {
        guard (1...512).contains(span.count) else { return nil }
        var bytes: [UInt8] = []
        for index in span.indices { bytes.append(span[index]) }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}

extension Span<UInt8> {
    fileprivate func equals(_ other: Span<UInt8>) -> Bool { count == other.count && begins(with: other) }
}

extension StatsdDialect {
    /// Two dialects of one instance never share an odometer: an Envoy that sends by both would be counted twice.
    fileprivate var source: SourceKind {
        switch self {
        case .plain: .statsd
        case .dogstatsd: .dogstatsd
        case .graphite: .graphite
        }
    }
}
