/// A JSON value that knows its file and path, so that an error names file, line and field.
struct JSONField {
    let node: JSONNode
    let file: String
    let path: String
    let bytes: [UInt8]

    init(parsing bytes: [UInt8], file: String) throws {
        self.init(node: try JSONParser.parse(bytes, file: file), file: file, path: "", bytes: bytes)
    }

    private init(node: JSONNode, file: String, path: String, bytes: [UInt8]) {
        self.node = node
        self.file = file
        self.path = path
        self.bytes = bytes
    }

    func error(_ found: String, _ code: LoadBalancerCostError.Code = .invalidInput) -> LoadBalancerCostError {
        let line = JSONParser.line(of: node.offset, in: bytes)
        return LoadBalancerCostError(code, "\(file), line \(line), \(path.isEmpty ? "the file" : path): \(found)")
    }

    private func child(_ node: JSONNode, _ path: String) -> JSONField {
        JSONField(node: node, file: file, path: path, bytes: bytes)
    }

    /// The members of an object; throws on another kind of value, on a key outside `allowed`, on a key given twice.
    func entries(allowed: [String]? = nil) throws -> [(key: String, value: JSONField)] {
        guard case .object(let members) = node.value else { throw error("must be an object") }
        var seen: Set<String> = []
        return try members.map { key, value in
            let field = child(value, path.isEmpty ? key : "\(path).\(key)")
            if let allowed, !allowed.contains(key) {
                throw field.error("is not known here; known: \(allowed.joined(separator: ", "))")
            }
            guard seen.insert(key).inserted else { throw field.error("is given twice") }
            return (key, field)
        }
    }

    /// Nil where the member is absent or null.
    func optional(_ key: String) -> JSONField? {
        guard let value = node.member(key) else { return nil }
        if case .null = value.value { return nil }
        return child(value, path.isEmpty ? key : "\(path).\(key)")
    }

    func required(_ key: String) throws -> JSONField {
        guard let field = optional(key) else { throw error("lacks `\(key)`") }
        return field
    }

    func list() throws -> [JSONField] {
        guard case .array(let elements) = node.value else { throw error("must be a list") }
        return elements.enumerated().map { index, value in child(value, "\(path)[\(index)]") }
    }

    func string() throws -> String {
        guard case .string(let text) = node.value else { throw error("must be text in double quotes") }
        return text
    }

    /// A number or a decimal in quotes.
    func scalar() throws -> String {
        switch node.value {
        case .string(let text), .number(let text): return text
        case .bool(let value): return value ? "true" : "false"
        default: throw error("must be a single value")
        }
    }

    /// A number, or one in quotes as answers have it.
    func number() throws -> Fraction {
        if case .string(let quoted) = node.value, let value = Fraction(decimal: quoted) { return value }
        guard case .number(let text) = node.value else { throw error("must be a number") }
        guard let value = Fraction(decimal: text) else {
            throw error("'\(text)' is not a number that can be computed exactly (38 digits)")
        }
        return value
    }
}
