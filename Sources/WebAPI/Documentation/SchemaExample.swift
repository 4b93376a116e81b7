import Foundation

/// A value that fits a schema of the OpenAPI document, for people to look at: its `example`, else one that is made of
/// words of the domain. A test holds each against its schema.
struct SchemaExample {
    let document: OpenAPIDocument

    /// As JSON, with its keys in order.
    func text(_ schema: Any) -> String {
        let options: JSONSerialization.WritingOptions = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
        ]
        let json = try? JSONSerialization.data(withJSONObject: value(schema), options: options)
        return json.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func value(_ schema: Any) -> Any { value(schema, name: "", inside: []) }

    /// - Parameters:
    ///   - name: of the property that it is the value of.
    ///   - inside: names of the schemas around it: one that holds itself ends there.
    private func value(_ schema: Any, name: String, inside: [String]) -> Any {
        var inside = inside
        if let reference = document.name(of: schema) { inside.append(reference) }
        let schema = document.resolved(schema)
        if let example = schema["example"] { return example }
        if let choice = (schema["oneOf"] as? [Any])?.first { return value(choice, name: name, inside: inside) }
        if let word = (schema["enum"] as? [Any])?.first { return word }
        switch (schema["type"] as? [String])?.first ?? schema["type"] as? String {
        case "array":
            guard let items = schema["items"] else { return [Any]() }
            if let reference = document.name(of: items), inside.contains(reference) { return [Any]() }
            return [value(items, name: name, inside: inside)]
        case "boolean": return true
        case "integer", "number": return max(schema["minimum"] as? Int ?? 0, Self.numbers[name] ?? 1)
        case "string": return string(schema, name)
        default: return object(schema, inside)
        }
    }

    private func object(_ schema: [String: Any], _ inside: [String]) -> [String: Any] {
        var object: [String: Any] = [:]
        for (name, property) in schema["properties"] as? [String: Any] ?? [:] {
            object[name] = value(property, name: name, inside: inside)
        }
        if let further = schema["additionalProperties"] as? [String: Any] {
            object["requests"] = value(further, name: "requests", inside: inside)
        }
        return object
    }

    private func string(_ schema: [String: Any], _ name: String) -> String {
        switch schema["format"] as? String {
        case "date-time": return Self.words[name].flatMap { $0.hasSuffix("Z") ? $0 : nil } ?? "2026-11-03T12:00:00Z"
        case "date": return "2026-11-01"
        default: break
        }
        if let text = (schema["pattern"] as? String).flatMap({ Self.patterns[$0] }) { return text }
        return Self.words[name] ?? "text"
    }

    private static let numbers = ["requests": 1_000, "lower": 1_000, "upper": 1_012, "status": 400, "epoch": 7]

    private static let patterns = [
        "^[0-9a-f]{64}$": String(repeating: "0123456789abcdef", count: 4), "^[A-Z]{3}$": "EUR",
        "^[0-9]{1,3}\\.[0-9]{2}$": "99.98", "^[0-9]{4}-(0[1-9]|1[0-2])$": "2026-11",
        "^[0-9]+\\.[0-9]{6}$": "12.500000", "^[A-Z]{1,16}$": "INV", "^[0-9]{1,6}([.][0-9]{1,6})?$": "10",
        "^[A-Za-z0-9._-]+$": "lost-hour",
    ]

    private static let words = [
        "tenant": "acme", "gateway": "edge", "instance": "envoy-1", "service": "checkout", "zone": "UTC",
        "month": "2026-11", "start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z",
        "from": "2026-11-03T12:00:00Z", "to": "2026-11-03T12:15:00Z", "window": "PT1H", "currency": "EUR",
        "number": "INV-2026-000001", "invoice": "INV-2026-000001", "invoice_number": "INV-2026-000001",
        "prefix": "a1b2c3d4", "scopes": "usage:read", "dimension": "requests", "hours": "720", "series": "INV",
        "price_book": "standard", "book": "standard", "rounding": "half_up", "region": "us-east-1", "key": "alb",
        "reason": "the sink was away", "percent": "19", "counter": "http.tenant_acme.downstream_rq_completed",
    ]
}
