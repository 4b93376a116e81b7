package import StrictYAML

extension Meters {
    /// Reads a meters file. Whatever is unknown or contradictory is refused with its file, line and key.
    ///
    /// ```yaml
    /// meters: envoy
    /// collect:
    ///   include: ["http.*.downstream_rq_completed"]
    ///   exclude: []            # what include selects and is not to be read
    ///   pinned: []             # never refused by the cap on names
    /// bind:
    /// - match: "http.tenant_{tenant}.downstream_rq_completed"
    ///   dimension: requests
    ///   role: bill             # bill (default) or check
    ///   tenant: "{tenant}"     # default {tenant}
    ///   service: gateway       # default "gateway"; may name captures
    ///   gateways: [edge]       # default: all
    /// identities:              # a lower source that may stand in for an instance of a higher one
    /// - gateway: edge
    ///   source: prometheus     # the lower source, and the name that it gives the instance
    ///   instance: "10.0.0.7:8002"
    ///   stands_for: gw-eu-1-a
    /// ```
    package init(yaml: String, file: String) throws(YAMLFieldError) {
        let root = try YAMLField.root(yaml: yaml, file: file)
        let fields = try root.keys(allowed: ["meters", "collect", "bind", "identities"])
        let collect = try root.require("collect", in: fields)
        let lists = try collect.keys(allowed: ["include", "exclude", "pinned"])
        var rules: [BindRule] = []
        for element in try fields["bind"]?.elements() ?? [] { rules.append(try Self.rule(element)) }
        var identities: [SourceIdentity] = []
        for element in try fields["identities"]?.elements() ?? [] {
            identities.append(try SourceIdentity(element))
        }
        self.init(
            name: try root.require("meters", in: fields).text(),
            collect: CollectPatterns(
                include: try Self.patterns(try collect.require("include", in: lists)),
                exclude: try Self.patterns(lists["exclude"]), pinned: try Self.patterns(lists["pinned"])),
            bind: rules, identities: identities
        )
    }

    /// Several meters files as one: all they collect, and their rules in order.
    package init(joining meters: [Meters]) {
        self.init(
            name: meters.map(\.name).joined(separator: "+"),
            collect: CollectPatterns(
                include: meters.flatMap(\.collect.include), exclude: meters.flatMap(\.collect.exclude),
                pinned: meters.flatMap(\.collect.pinned)),
            bind: meters.flatMap(\.bind), identities: meters.flatMap(\.identities)
        )
    }

    private static func patterns(_ list: YAMLField?) throws(YAMLFieldError) -> [NamePattern] {
        var patterns: [NamePattern] = []
        for element in try list?.elements() ?? [] { patterns.append(try pattern(element)) }
        return patterns
    }

    private static func pattern(_ field: YAMLField) throws(YAMLFieldError) -> NamePattern {
        do {
            return try NamePattern(try field.text())
        } catch let error as MeteringError {
            throw field.error(error.message)
        } catch let error as YAMLFieldError {
            throw error
        } catch {
            throw field.error("\(error)")
        }
    }

    private static func rule(_ field: YAMLField) throws(YAMLFieldError) -> BindRule {
        let fields = try field.keys(allowed: ["match", "dimension", "role", "tenant", "service", "gateways"])
        let match = try pattern(try field.require("match", in: fields))
        var gateways: Set<String>?
        if let list = fields["gateways"] {
            var names: Set<String> = []
            for element in try list.elements() { names.insert(try element.text()) }
            gateways = names
        }
        var role = BindRule.Role.bill
        if let place = fields["role"] { role = try place.choice(BindRule.Role.self) }
        return BindRule(
            match: match, dimension: try field.require("dimension", in: fields).choice(Dimension.self), role: role,
            tenant: try template(fields["tenant"], default: "{tenant}", of: match, in: field),
            service: try template(fields["service"], default: "gateway", of: match, in: field), gateways: gateways,
            place: field.place
        )
    }

    private static func template(
        _ field: YAMLField?, default text: String, of match: NamePattern, in rule: YAMLField
    ) throws(YAMLFieldError) -> NameTemplate {
        var template = NameTemplate(text)
        if let field { template = NameTemplate(try field.text()) }
        if let unknown = template.captures.first(where: { !match.captures.contains($0) }) {
            throw (field ?? rule).error(
                "{\(unknown)} is not captured by the pattern \"\(match)\"; it captures "
                    + (match.captures.isEmpty ? "nothing" : match.captures.map { "{\($0)}" }.joined(separator: ", ")))
        }
        return template
    }
}
