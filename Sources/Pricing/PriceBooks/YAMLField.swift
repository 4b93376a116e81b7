import Yams

/// A place in a YAML file: the node, and the way to it for messages.
struct YAMLField {
    let file: String
    let path: String
    let node: Node

    /// An error at this place.
    func error(_ message: String) -> PricingError {
        let line = node.mark.map { ":\($0.line)" } ?? ""
        return PricingError(.invalidPriceBook, "\(file)\(line): \(path.isEmpty ? "" : path + ": ")\(message)")
    }

    /// The document's root.
    static func root(yaml: String, file: String) throws(PricingError) -> YAMLField {
        do {
            guard let node = try Yams.compose(yaml: yaml) else {
                throw PricingError(.invalidPriceBook, "\(file): the file is empty; a price book begins with its id")
            }
            return YAMLField(file: file, path: "", node: node)
        } catch let error as PricingError {
            throw error
        } catch let error as YamlError {
            throw PricingError(.invalidPriceBook, "\(file)\(error.place)")
        } catch {
            throw PricingError(.invalidPriceBook, "\(file): can not be read as YAML: \(error)")
        }
    }

    /// The keys of a mapping. A key that is not allowed is refused: a misspelt one would silently price at a default.
    func keys(allowed: [String]) throws(PricingError) -> [String: YAMLField] {
        guard case .mapping(let mapping) = node else {
            throw error("found \(kind), which should be a mapping with the keys \(allowed.joined(separator: ", "))")
        }
        var fields: [String: YAMLField] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? "?"
            let field = YAMLField(file: file, path: path.isEmpty ? name : "\(path).\(name)", node: value)
            guard allowed.contains(name) else {
                throw YAMLField(file: file, path: field.path, node: key)
                    .error("unknown key; allowed here: \(allowed.joined(separator: ", "))")
            }
            fields[name] = field.isNull ? nil : field
        }
        return fields
    }

    /// The elements of a sequence.
    func elements() throws(PricingError) -> [YAMLField] {
        guard case .sequence(let sequence) = node else { throw error("found \(kind), which should be a list") }
        return sequence.enumerated().map { YAMLField(file: file, path: "\(path)[\($0.offset)]", node: $0.element) }
    }

    /// One line of text that is not blank: it will stand on an invoice.
    func text() throws(PricingError) -> String {
        guard let scalar = node.scalar, scalar.string.contains(where: { !$0.isWhitespace }),
            scalar.string.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw error("found \(kind), which should be one line of text")
        }
        return scalar.string
    }

    /// A whole number of at least `minimum`.
    func integer(atLeast minimum: Int64) throws(PricingError) -> Int64 {
        guard let scalar = node.scalar, let value = Int64(digits(of: scalar)), value >= minimum else {
            throw error(
                "found \(kind), which should be a whole number from \(minimum) to \(Int64.max), written out without exponent"
            )
        }
        return value
    }

    /// Minor units: an integer, or a string with at most six decimals.
    func amount() throws(PricingError) -> ExactAmount {
        guard let scalar = node.scalar, let amount = ExactAmount(digits(of: scalar)),
            !scalar.isPlain || !scalar.string.contains(".")
        else {
            throw error(
                "found \(kind), which should be 0 or more minor units: an integer as 9000, or a string with at most six "
                    + "decimals as \"9000.5\"")
        }
        return amount
    }

    /// A percentage from 0 to `maximum`, with the precision of an amount.
    func percent(upTo maximum: Int64) throws(PricingError) -> ExactAmount {
        guard let scalar = node.scalar, let percent = ExactAmount(digits(of: scalar)),
            !scalar.isPlain || !scalar.string.contains("."), percent.millionths <= ExactAmount(maximum).millionths
        else {
            throw error(
                "found \(kind), which should be a percentage from 0 to \(maximum): an integer as 19, or a string with at "
                    + "most six decimals as \"7.5\"")
        }
        return percent
    }

    /// A date.
    func date() throws(PricingError) -> LocalDate {
        guard let scalar = node.scalar, let date = try? LocalDate(scalar.string) else {
            throw error("found \(kind), which should be a date that exists, as 2026-01-31")
        }
        return date
    }

    /// One of the cases of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws(PricingError) -> Choice
    where Choice.RawValue == String {
        guard let scalar = node.scalar, let choice = Choice(rawValue: scalar.string) else {
            throw error("found \(kind); allowed: \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// What stands there, for a message.
    var kind: String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "\"\(scalar.string)\""
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    private var isNull: Bool {
        guard let scalar = node.scalar, scalar.isPlain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// YAML lets a plain integer be grouped by underscores.
    private func digits(of scalar: Node.Scalar) -> String {
        scalar.isPlain && !scalar.string.hasPrefix("_") ? scalar.string.filter { $0 != "_" } : scalar.string
    }
}

extension Node.Scalar {
    var isPlain: Bool { style == .plain || style == .any }
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
