internal import Yams

/// A node of a YAML file that knows where it stands, so that an error names file, line and field.
struct YAMLField {
    let node: Node
    let file: String
    let path: String

    static func document(_ file: PriceFile) throws -> YAMLField {
        do {
            guard let node = try Yams.compose(yaml: file.text) else {
                throw LoadBalancerCostError(.invalidInput, "\(file.name) is empty")
            }
            return YAMLField(node: node, file: file.name, path: "")
        } catch let error as YamlError {
            throw LoadBalancerCostError(.invalidInput, "\(file.name) is not YAML: \(error)")
        }
    }

    /// Every document of a file, for manifests.
    static func documents(_ file: PriceFile) throws -> [YAMLField] {
        do {
            // The sequence keeps its error to itself: it is asked for it after the last document.
            var nodes = try Yams.compose_all(yaml: file.text)
            var documents: [Node] = []
            while let node = nodes.next() {
                if node.mapping != nil { documents.append(node) }
            }
            if let error = nodes.error { throw error }
            return documents.map { YAMLField(node: $0, file: file.name, path: "") }
        } catch let error as YamlError {
            throw LoadBalancerCostError(.invalidInput, "\(file.name) is not YAML: \(error)")
        }
    }

    func error(_ found: String, _ code: LoadBalancerCostError.Code = .invalidInput) -> LoadBalancerCostError {
        LoadBalancerCostError(
            code, "\(file), line \(node.mark?.line ?? 0), \(path.isEmpty ? "the file" : path): \(found)")
    }

    private func child(_ node: Node, _ key: String) -> YAMLField {
        YAMLField(node: node, file: file, path: path.isEmpty ? key : "\(path).\(key)")
    }

    func entries() throws -> [(key: String, value: YAMLField)] {
        guard let mapping = node.mapping else { throw error("must be a mapping") }
        return try mapping.map { key, value in
            guard let name = key.scalar?.string else { throw error("has a key that is not text") }
            return (name, child(value, name))
        }
    }

    func optional(_ key: String) throws -> YAMLField? {
        guard let mapping = node.mapping else { throw error("must be a mapping") }
        return mapping[Node(key)].map { child($0, key) }
    }

    func required(_ key: String) throws -> YAMLField {
        guard let field = try optional(key) else { throw error("lacks `\(key)`") }
        return field
    }

    func list() throws -> [YAMLField] {
        guard let sequence = node.sequence else { throw error("must be a list") }
        return sequence.enumerated().map { index, value in child(value, "\(index)") }
    }

    func string() throws -> String {
        guard let text = node.scalar?.string else { throw error("must be text") }
        return text
    }

    func bool() throws -> Bool {
        switch try string() {
        case "true": true
        case "false": false
        case let text: throw error("is '\(text)': give true or false")
        }
    }

    /// A decimal that is not negative.
    func fraction() throws -> Fraction {
        let text = try string()
        guard let value = Fraction(decimal: text), !value.isNegative else {
            throw error("is '\(text)': give a decimal that is not negative")
        }
        return value
    }

    /// A decimal above zero.
    func divisor() throws -> Fraction {
        let value = try fraction()
        guard !value.isZero else { throw error("must be above 0") }
        return value
    }

    func whole() throws -> Int64 {
        let value = try fraction()
        guard value.denominator == 1, let whole = Int64(exactly: value.numerator) else {
            throw error("is \(value): give a whole number")
        }
        return whole
    }

    func positive() throws -> Int64 {
        let value = try whole()
        guard value > 0 else { throw error("must be above 0") }
        return value
    }
}
