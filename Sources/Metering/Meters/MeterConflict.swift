/// Two rules that would bill one thing twice.
package struct MeterConflict: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension Meters {
    /// What stands in the rules themselves against them: one dimension of one gateway that is billed from two kinds of
    /// counters, which count the same requests. (Several rules over one kind of counter part its names between them.)
    package func conflicts() -> [MeterConflict] {
        var found: [MeterConflict] = []
        let bills = bind.filter { $0.role == .bill }
        for (index, left) in bills.enumerated() {
            for right in bills[(index + 1)...] where left.dimension == right.dimension && left.isFor(gatewaysOf: right)
            {
                guard left.match.family != right.match.family else { continue }
                found.append(
                    MeterConflict(
                        "\(left.place) and \(right.place) both bill \(left.dimension.rawValue): "
                            + "\"\(left.match)\" and \"\(right.match)\" are two kinds of counters, which count the same "
                            + "twice; let one rule have `role: check`, or give the rules different gateways"))
            }
        }
        return found
    }

    /// Counters that two `bill` rules claim.
    package func contested(_ counters: some Sequence<String>, gateway: String) -> [MeterConflict] {
        counters.compactMap { contested($0, gateway: gateway) }
    }

    /// The two `bill` rules that claim a counter; nil where there are less.
    package func contested(_ counter: String, gateway: String) -> MeterConflict? {
        let bills = claims(on: counter, gateway: gateway).filter { bind[$0.rule].role == .bill }
        guard bills.count > 1 else { return nil }
        let (first, second) = (bills[0], bills[1])
        return MeterConflict(
            "\(counter) of gateway \(gateway) is claimed by two bill rules: \(bind[first.rule].place) "
                + "(\(first.binding.tenant), \(first.binding.dimension.rawValue)) and \(bind[second.rule].place) "
                + "(\(second.binding.tenant), \(second.binding.dimension.rawValue)); narrow one of the patterns, or let "
                + "one rule have `role: check`")
    }
}

extension BindRule {
    func isFor(gatewaysOf other: BindRule) -> Bool {
        guard let gateways, let others = other.gateways else { return true }
        return !gateways.isDisjoint(with: others)
    }
}

extension NamePattern {
    /// The kind of counter that a pattern names: `http` and `downstream_rq_completed` of
    /// `http.{tenant}.downstream_rq_completed`.
    var family: [String] {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        return [parts.first, parts.count > 1 ? parts.last : nil].compactMap { $0.map(String.init) }
    }

    /// Whether a counter is of the kind that the pattern names, whomever it is for.
    package func namesKind(of name: String) -> Bool {
        guard let first = family.first, let last = family.last else { return false }
        return name.hasPrefix(first + ".") && name.hasSuffix("." + last)
    }
}
