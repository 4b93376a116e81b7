import Foundation

/// The part of JSON Schema 2020-12 that the document uses.
struct SchemaCheck {
    let document: APIDocument

    func faults(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
        let schema = document.resolved(schema)
        var faults: [String] = []
        if let choices = schema["oneOf"] as? [Any] {
            let fitting = choices.filter { self.faults(value, document.resolved($0), at: place).isEmpty }
            if fitting.count != 1 { faults.append("\(place): \(value) fits \(fitting.count) of the choices") }
        }
        if let types = schema["type"] as? [String] ?? (schema["type"] as? String).map({ [$0] }) {
            guard types.contains(where: { Self.isOf($0, value) }) else {
                return ["\(place): \(value) is not \(types.joined(separator: " or "))"]
            }
        }
        if let words = schema["enum"] as? [String] {
            if let word = value as? String, !words.contains(word) {
                faults.append("\(place): \(word) is none of \(words)")
            }
        }
        if let text = value as? String {
            if let pattern = schema["pattern"] as? String, text.range(of: pattern, options: .regularExpression) == nil {
                faults.append("\(place): \(text) does not match \(pattern)")
            }
        }
        if Self.isOf("number", value), let number = value as? NSNumber {
            if let least = schema["minimum"] as? Int, number.int64Value < Int64(least) {
                faults.append("\(place): \(number) is below \(least)")
            }
            if let most = schema["maximum"] as? Int, number.int64Value > Int64(most) {
                faults.append("\(place): \(number) is above \(most)")
            }
        }
        if let entries = value as? [Any], let items = schema["items"] {
            for (index, entry) in entries.enumerated() {
                faults += self.faults(entry, document.resolved(items), at: "\(place)[\(index)]")
            }
        }
        if let object = value as? [String: Any] { faults += self.faults(in: object, schema, place) }
        return faults
    }

    private func faults(in object: [String: Any], _ schema: [String: Any], _ place: String) -> [String] {
        var faults: [String] = []
        let properties = schema["properties"] as? [String: Any] ?? [:]
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            faults.append("\(place): \(name) is missing")
        }
        for (name, value) in object {
            if let property = properties[name] {
                faults += self.faults(value, document.resolved(property), at: "\(place).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                faults.append("\(place): \(name) is not in the document")
            } else if let further = schema["additionalProperties"] as? [String: Any] {
                faults += self.faults(value, document.resolved(further), at: "\(place).\(name)")
            }
        }
        return faults
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "null": value is NSNull
        case "string": value is String
        case "boolean": (value as? NSNumber).map { isBoolean($0) } ?? false
        case "integer":
            (value as? NSNumber).map { !isBoolean($0) && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": (value as? NSNumber).map { !isBoolean($0) } ?? false
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c" || "\(type(of: number))".contains("Bool")
    }
}
