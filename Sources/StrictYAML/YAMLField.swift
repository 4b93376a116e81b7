/// YAML files that an operator writes, read strictly: whatever is unknown, missing or of another kind is refused with
/// its file, line and key, and with what is allowed there.
package import Yams

/// What is wrong in a YAML file, with its place and the remedy.
package struct YAMLFieldError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// A place in a YAML file: the node, and the way to it for messages.
package struct YAMLField {
    package let file: String
    package let path: String
    package let node: Node

    package init(file: String, path: String, node: Node) {
        self.file = file
        self.path = path
        self.node = node
    }

    /// File and line, `meters.yaml:12`.
    package var place: String { file + (node.mark.map { ":\($0.line)" } ?? "") }

    /// An error at this place.
    package func error(_ message: String) -> YAMLFieldError {
        YAMLFieldError("\(place): \(path.isEmpty ? "" : path + ": ")\(message)")
    }

    /// The document's root. `file` is the name used in messages.
    package static func root(yaml: String, file: String) throws(YAMLFieldError) -> YAMLField {
        do {
            guard let node = try Yams.compose(yaml: yaml) else { throw YAMLFieldError("\(file): the file is empty") }
            return YAMLField(file: file, path: "", node: node)
        } catch let error as YAMLFieldError {
            throw error
        } catch let error as YamlError {
            throw YAMLFieldError("\(file)\(error.place)")
        } catch {
            throw YAMLFieldError("\(file): can not be read as YAML: \(error)")
        }
    }

    /// The roots of every document of a file that holds several, for manifests; empty ones are left out.
    package static func documents(yaml: String, file: String) throws(YAMLFieldError) -> [YAMLField] {
        do {
            // The sequence keeps its error to itself: it is asked for it after the last document.
            var nodes = try Yams.compose_all(yaml: yaml)
            var documents: [YAMLField] = []
            while let node = nodes.next() { documents.append(YAMLField(file: file, path: "", node: node)) }
            if let error = nodes.error { throw error }
            return documents.filter { !$0.isNull }
        } catch let error as YamlError {
            throw YAMLFieldError("\(file)\(error.place)")
        } catch {
            throw YAMLFieldError("\(file): can not be read as YAML: \(error)")
        }
    }

    /// The keys of a mapping that hold something. A key that is not allowed is refused: a misspelt one would silently
    /// leave its default in force. `allowed` nil: names that the file gives, or a format that is not ours.
    package func keys(allowed: [String]?) throws(YAMLFieldError) -> [String: YAMLField] {
        guard case .mapping(let mapping) = node else {
            let keys = allowed.map { " with the keys \($0.joined(separator: ", "))" } ?? ""
            throw error("found \(kind), which should be a mapping\(keys)")
        }
        var fields: [String: YAMLField] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? "?"
            let field = YAMLField(file: file, path: path.isEmpty ? name : "\(path).\(name)", node: value)
            if let allowed, !allowed.contains(name) {
                throw YAMLField(file: file, path: field.path, node: key)
                    .error("unknown key; allowed here: \(allowed.joined(separator: ", "))")
            }
            fields[name] = field.isNull ? nil : field
        }
        return fields
    }

    /// A key that can not be left out.
    package func require(_ key: String, in fields: [String: YAMLField]) throws(YAMLFieldError) -> YAMLField {
        guard let field = fields[key] else { throw error("the key \(key) is missing") }
        return field
    }

    /// The elements of a list.
    package func elements() throws(YAMLFieldError) -> [YAMLField] {
        guard case .sequence(let sequence) = node else { throw error("found \(kind), which should be a list") }
        return sequence.enumerated().map { YAMLField(file: file, path: "\(path)[\($0.offset)]", node: $0.element) }
    }

    /// One line of text that is not blank.
    package func text() throws(YAMLFieldError) -> String {
        guard let scalar = node.scalar, scalar.string.contains(where: { !$0.isWhitespace }),
            scalar.string.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw error("found \(kind), which should be one line of text")
        }
        return scalar.string
    }

    /// A whole number of at least `minimum`.
    package func integer(atLeast minimum: Int64) throws(YAMLFieldError) -> Int64 {
        guard let scalar = node.scalar, let value = Int64(digits(of: scalar)), value >= minimum else {
            throw error(
                "found \(kind), which should be a whole number from \(minimum) to \(Int64.max), written out without "
                    + "exponent")
        }
        return value
    }

    /// `true` or `false`.
    package func flag() throws(YAMLFieldError) -> Bool {
        switch node.scalar?.string {
        case "true": return true
        case "false": return false
        default: throw error("found \(kind); give true or false")
        }
    }

    /// One of the cases of an enumeration.
    package func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws(YAMLFieldError) -> Choice
    where Choice.RawValue == String {
        guard let scalar = node.scalar, let choice = Choice(rawValue: scalar.string) else {
            throw error("found \(kind); allowed: \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// What stands there, for a message.
    package var kind: String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "\"\(scalar.string)\""
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// The digits of a number. YAML lets a plain integer be grouped by underscores.
    package func digits(of scalar: Node.Scalar) -> String {
        let isPlain = scalar.style == .plain || scalar.style == .any
        return isPlain && !scalar.string.hasPrefix("_") ? scalar.string.filter { $0 != "_" } : scalar.string
    }

    private var isNull: Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}

extension YamlError {
    /// `:line: problem`, as far as it is known.
    fileprivate var place: String {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ":\(mark.line): this is not YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            ":\(context.mark.line): written twice in one mapping: \(duplicates.joined(separator: ", ")); keep one"
        default: ": this is not YAML: \(self)"
        }
    }
}
