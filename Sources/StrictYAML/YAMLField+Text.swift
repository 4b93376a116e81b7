internal import Yams

extension YAMLField {
    /// A single value as it is written, blank ones too; nil where none stands.
    package var string: String? { node.scalar?.string }

    /// The digits of a number as they are written, without underscores; nil where no single value stands.
    package var digits: String? { node.scalar.map { digits(of: $0) } }

    /// The same value on one line of JSON, with its keys in order and each single value as text that `scalar` has written:
    /// two files that say the same have the same text. YAML reads it back.
    package func json(
        leavingOut left: [String] = [], scalar: (String) -> String
    ) throws(YAMLFieldError) -> String {
        switch node {
        case .mapping:
            var parts: [String] = []
            for (key, value) in try keys(allowed: nil).sorted(by: { $0.key < $1.key }) where !left.contains(key) {
                parts.append("\(Self.quoted(key)):\(try value.json(scalar: scalar))")
            }
            return "{\(parts.joined(separator: ","))}"
        case .sequence:
            var parts: [String] = []
            for element in try elements() { parts.append(try element.json(scalar: scalar)) }
            return "[\(parts.joined(separator: ","))]"
        case .scalar(let value): return Self.quoted(scalar(value.style == .plain ? digits(of: value) : value.string))
        case .alias: throw error("found \(kind): write the value itself")
        }
    }

    /// Every single value with the way to it: `tiers[0].price`, `1.00`.
    package func values() throws(YAMLFieldError) -> [(path: String, text: String)] {
        var found: [(path: String, text: String)] = []
        switch node {
        case .mapping:
            for (_, value) in try keys(allowed: nil).sorted(by: { $0.key < $1.key }) { found += try value.values() }
        case .sequence:
            for element in try elements() { found += try element.values() }
        case .scalar(let value): found.append((path, value.string))
        case .alias: throw error("found \(kind): write the value itself")
        }
        return found
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
