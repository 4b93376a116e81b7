/// A pattern over counter names: `*` matches any text, dots included and also none; `{word}` matches one part without
/// a dot (`[^.]+`) and captures it; every other character stands for itself.
///
/// Names are matched once per stream and then known by their slot, so a plain backtracking matcher is enough. The
/// number of wildcards is bounded, which bounds its work: at most |name|^4 steps on a name of at most 512 bytes.
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
            case "{":
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
        match(name) != nil
    }

    /// What each capture holds when the whole name matches, else nil.
    package func match(_ name: String) -> [String: String]? {
        var captured: [String: String] = [:]
        let bytes = Array(name.utf8)
        return match(bytes[...], parts[...], &captured) ? captured : nil
    }

    private func match(_ name: ArraySlice<UInt8>, _ parts: ArraySlice<Part>, _ captured: inout [String: String]) -> Bool
    {
        guard let part = parts.first else { return name.isEmpty }
        let rest = parts.dropFirst()
        switch part {
        case .literal(let bytes):
            return name.starts(with: bytes) && match(name.dropFirst(bytes.count), rest, &captured)
        case .anyText:
            if rest.isEmpty { return true }
            var candidate = name
            while true {
                if match(candidate, rest, &captured) { return true }
                if candidate.popFirst() == nil { return false }
            }
        case .word(let word):
            let longest = name.prefix { $0 != UInt8(ascii: ".") }
            var length = longest.count
            while length > 0 {
                if match(name.dropFirst(length), rest, &captured) {
                    captured[word] = String(decoding: longest.prefix(length), as: UTF8.self)
                    return true
                }
                length -= 1
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
