/// A meter: which counters are collected, and how they are bound to tenant, service and dimension.
package struct Meters: Hashable, Sendable {
    package var name: String
    package var collect: CollectPatterns
    package var bind: [BindRule]

    package init(name: String, collect: CollectPatterns, bind: [BindRule]) {
        self.name = name
        self.collect = collect
        self.bind = bind
    }

    /// What a counter of a gateway counts, or nil where no rule binds it.
    ///
    /// The first `bill` rule that matches wins; `check` rules bind nothing that is billed.
    package func binding(of counter: String, gateway: String) -> Binding? {
        for rule in bind where rule.role == .bill {
            if let gateways = rule.gateways, !gateways.contains(gateway) { continue }
            guard let captured = rule.match.match(counter) else { continue }
            return Binding(
                tenant: rule.tenant.filled(with: captured), service: rule.service.filled(with: captured),
                dimension: rule.dimension
            )
        }
        return nil
    }

    /// Whether a `check` rule names the counter: it is known, and not unattributed.
    package func isChecked(_ counter: String) -> Bool {
        bind.contains { $0.role == .check && $0.match.matches(counter) }
    }
}

/// Binds the counters whose names match to a tenant, a service and a dimension.
package struct BindRule: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable, CaseIterable {
        /// What is billed. One rule per gateway and dimension.
        case bill
        /// A second source of the same quantity: compared, never added.
        case check
    }

    package var match: NamePattern
    package var dimension: Dimension
    package var role: Role
    package var tenant: NameTemplate
    package var service: NameTemplate
    /// The gateways that the rule is for; nil for all.
    package var gateways: Set<String>?

    package init(
        match: NamePattern, dimension: Dimension, role: Role, tenant: NameTemplate, service: NameTemplate,
        gateways: Set<String>? = nil
    ) {
        self.match = match
        self.dimension = dimension
        self.role = role
        self.tenant = tenant
        self.service = service
        self.gateways = gateways
    }
}

/// What a counter counts, and for whom.
package struct Binding: Hashable, Sendable {
    package var tenant: String
    package var service: String
    package var dimension: Dimension
}

/// What is measured of a service in a quarter hour.
package enum Dimension: String, Hashable, Sendable, CaseIterable {
    case requests
    case newConnections = "new_connections"
    /// A gauge: its mean and its maximum.
    case activeConnections = "active_connections"
    case receivedBytes = "received_bytes"
    case sentBytes = "sent_bytes"
    case responses1xx = "responses_1xx"
    case responses2xx = "responses_2xx"
    case responses3xx = "responses_3xx"
    case responses4xx = "responses_4xx"
    case responses5xx = "responses_5xx"
}

/// A name with captures of a pattern in it: `{tenant}`, `team-{tenant}`, or a plain name.
package struct NameTemplate: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    /// The captures that the template names.
    package var captures: [String] {
        text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.firstIndex(of: "}").map { String(part[part.startIndex..<$0]) }
        }
    }

    func filled(with captured: [String: String]) -> String {
        var filled = text
        for (name, value) in captured {
            while let range = filled.firstRange(of: "{\(name)}") { filled.replaceSubrange(range, with: value) }
        }
        return filled
    }
}
