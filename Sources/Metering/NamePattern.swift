/// A pattern over counter names: `*` matches any text, dots included and also none; `{word}` matches one part without
/// a dot (`[^.]+`) and captures it; every other character stands for itself.
///
/// Names are matched once per stream and then known by their slot, so a backtracking matcher is enough. It remembers
/// where a wildcard has failed, so its work on any name is at most wildcards × |name|² steps.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
    package static let maximumWildcards = 4

    private enum Part: Hashable, Sendable {
        case literal([UInt8])
        case anyText
        case word(String)
    }

    package let description: String
    private let parts: [Part]

    /// The names of the captures, in order of appearance.
    package let captures: [String]

    /// Throws what is wrong with the pattern, for a person.
    package init(_ text: String) throws(MeteringError) {
        try self.init(text, hasCaptures: true)
    }

    /// A pattern of `*` alone, as on a command line: braces stand for themselves.
    package init(glob text: String) throws(MeteringError) {
        try self.init(text, hasCaptures: false)
    }

    private init(_ text: String, hasCaptures: Bool) throws(MeteringError) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var captures: [String] = []
        var rest = Substring(text)
        func close() {
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = []
        }
        while let character = rest.popFirst() {
            switch character {
            case "*":
                close()
                if parts.last != .anyText { parts.append(.anyText) }
            case "{" where hasCaptures:
                guard let end = rest.firstIndex(of: "}"), end > rest.startIndex else {
                    throw MeteringError(.pattern, "pattern \"\(text)\": { without a name and a closing }")
                }
                close()
                let name = String(rest[rest.startIndex..<end])
                guard !captures.contains(name) else {
                    throw MeteringError(.pattern, "pattern \"\(text)\": {\(name)} stands twice")
                }
                captures.append(name)
                parts.append(.word(name))
                rest = rest[rest.index(after: end)...]
            default:
                literal.append(contentsOf: character.utf8)
            }
        }
        close()
        let wildcards = parts.count { if case .literal = $0 { false } else { true } }
        guard wildcards <= Self.maximumWildcards else {
            throw MeteringError(
                .pattern,
                "pattern \"\(text)\" has \(wildcards) wildcards; at most \(Self.maximumWildcards) are allowed"
            )
        }
        self.parts = parts
        self.captures = captures
        description = text
    }

    package func matches(_ name: String) -> Bool {
        match(Array(name.utf8)) != nil
    }

    /// What each capture holds when the whole name matches, else nil.
    package func match(_ name: String) -> [String: String]? {
        match(Array(name.utf8))
    }

    /// Most names fit few patterns: the literals at both ends are compared before anything else is done.
    func match(_ name: [UInt8]) -> [String: String]? {
        if case .literal(let bytes) = parts.first, !name.starts(with: bytes) { return nil }
        if case .literal(let bytes) = parts.last, !name.suffix(bytes.count).elementsEqual(bytes) { return nil }
        var match = Match(name: name, parts: parts)
        return match.succeeds(part: 0, at: 0) ? match.captured : nil
    }

    private struct Match {
        let name: [UInt8]
        let parts: [Part]
        var captured: [String: String] = [:]
        /// Places where a wildcard was tried and failed, as part × (|name| + 1) + position.
        private var failed: Set<Int> = []

        init(name: [UInt8], parts: [Part]) {
            self.name = name
            self.parts = parts
        }

        mutating func succeeds(part index: Int, at position: Int) -> Bool {
            guard index < parts.count else { return position == name.count }
            if case .literal(let bytes) = parts[index] {
                return name[position...].starts(with: bytes) && succeeds(part: index + 1, at: position + bytes.count)
            }
            let place = index * (name.count + 1) + position
            guard !failed.contains(place) else { return false }
            if wildcardSucceeds(part: index, at: position) { return true }
            failed.insert(place)
            return false
        }

        private mutating func wildcardSucceeds(part index: Int, at position: Int) -> Bool {
            guard case .word(let word) = parts[index] else {
                if index == parts.count - 1 { return true }
                return (position...name.count).contains { succeeds(part: index + 1, at: $0) }
            }
            // The longest word first.
            var end = name[position...].firstIndex(of: UInt8(ascii: ".")) ?? name.count
            while end > position {
                if succeeds(part: index + 1, at: end) {
                    captured[word] = String(decoding: name[position..<end], as: UTF8.self)
                    return true
                }
                end -= 1
            }
            return false
        }
    }
}

/// What can be wrong with what an operator wrote for the meter.
package struct MeteringError: Error, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        package static let pattern = Code("pattern")
        package static let meters = Code("meters")
        package static let capture = Code("capture")
        package static let segment = Code("segment")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
