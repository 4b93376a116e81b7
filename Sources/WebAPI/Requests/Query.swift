import Hummingbird

/// The parameters of a request's query: each known, each at most once.
struct Query: Sendable {
    private let values: [String: String]

    /// - Throws: ``Problem`` 400 for a parameter that the endpoint does not know or that is there twice.
    init(_ request: Request, allowed: [String]) throws {
        var values: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            let name = String(name)
            guard allowed.contains(name) else {
                throw Problem.invalid(
                    name, rule: "unknown",
                    allowed.isEmpty
                        ? "this resource takes no parameters" : "is not one of \(allowed.joined(separator: ", "))")
            }
            guard values.updateValue(String(value), forKey: name) == nil else {
                throw Problem.invalid(name, rule: "unique", "is given twice")
            }
        }
        self.values = values
    }

    /// Nil when it was not given; refused when it is empty or holds a NUL.
    func text(_ name: String) throws -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty else { throw Problem.invalid(name, rule: "required", "is empty") }
        guard !value.utf8.contains(0) else { throw Problem.invalid(name, rule: "format", "holds a NUL") }
        return value
    }

    func required(_ name: String, _ what: String) throws -> String {
        guard let value = values[name], !value.isEmpty else { throw Problem.invalid(name, rule: "required", what) }
        guard !value.utf8.contains(0) else { throw Problem.invalid(name, rule: "format", "holds a NUL") }
        return value
    }

    /// A whole number in plain digits.
    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = Int(text), range.contains(value) else {
            throw Problem.invalid(
                name, rule: "range", "is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Comma-separated words, each one of a few.
    func words<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) throws -> [Word]
    where Word.RawValue == String {
        guard let text = try text(name) else { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let word = Word(rawValue: String(part)) else {
                throw Problem.invalid(
                    name, rule: "enum",
                    "\(part) is not one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return word
        }
    }
}
