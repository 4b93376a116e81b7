/// A meter: which counters are collected, and how they are bound to tenant, service and dimension.
package struct Meters: Hashable, Sendable {
    package var name: String
    package var collect: CollectPatterns
    package var bind: [BindRule]
    /// Which instance of a higher source another name stands for (rule 8).
    package var identities: [SourceIdentity]

    package init(name: String, collect: CollectPatterns, bind: [BindRule], identities: [SourceIdentity] = []) {
        self.name = name
        self.collect = collect
        self.bind = bind
        self.identities = identities
    }

    /// What the rules say of a gateway's counter. A counter that two `bill` rules claim is nobody's until one of them
    /// gives way; `check` rules bill nothing.
    package func attribution(of counter: String, gateway: String) -> Attribution {
        let name = Array(counter.utf8)
        var isChecked = false
        var claim: Binding?
        for rule in bind where rule.gateways?.contains(gateway) ?? true {
            guard rule.role == .bill || !isChecked, let captured = rule.match.match(name) else { continue }
            guard rule.role == .bill else {
                isChecked = true
                continue
            }
            guard claim == nil else { return .unattributed }
            claim = Binding(rule, captured)
        }
        if let claim { return .bound(claim) }
        return isChecked ? .checked : .unattributed
    }

    /// All rules that name a gateway's counter, with what each would bind it to.
    package func claims(on counter: String, gateway: String) -> [(rule: Int, binding: Binding)] {
        let name = Array(counter.utf8)
        return bind.indices.compactMap { index in
            let rule = bind[index]
            guard rule.gateways?.contains(gateway) ?? true, let captured = rule.match.match(name) else { return nil }
            return (index, Binding(rule, captured))
        }
    }
}

/// What the rules say of a counter.
package enum Attribution: Hashable, Sendable {
    case bound(Binding)
    /// A second source of a billed quantity: known, and added to nothing.
    case checked
    /// No rule names it: usage that is kept and shown to operators.
    case unattributed

    package var binding: Binding? {
        guard case .bound(let binding) = self else { return nil }
        return binding
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
    /// Where it stands, `meters.yaml:12`, for messages.
    package var place: String

    package init(
        match: NamePattern, dimension: Dimension, role: Role, tenant: NameTemplate, service: NameTemplate,
        gateways: Set<String>? = nil, place: String = "a bind rule"
    ) {
        self.place = place
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

    package init(tenant: String, service: String, dimension: Dimension) {
        self.tenant = tenant
        self.service = service
        self.dimension = dimension
    }

    init(_ rule: BindRule, _ captured: [String: String]) {
        self.init(
            tenant: rule.tenant.filled(with: captured), service: rule.service.filled(with: captured),
            dimension: rule.dimension)
    }
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
