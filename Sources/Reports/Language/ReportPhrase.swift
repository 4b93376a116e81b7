/// A sentence that another module writes in English, and what a language makes of it.
///
/// Places are numbered: `above {1} rules a request, rules would bind`. What stands in a place is not empty, and as short as
/// the words around it allow.
struct ReportPhrase: Hashable, Sendable {
    /// The English words around the places: one more than there are places.
    private let words: [String]
    private let names: [String]
    let translation: String

    /// Nil where a place has no end, or where two touch: such a phrase could be read in two ways.
    init?(_ english: String, translation: String) {
        var words: [String] = []
        var names: [String] = []
        var rest = english[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { return nil }
            if open == rest.startIndex, !words.isEmpty { return nil }
            words.append(String(rest[..<open]))
            names.append(String(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
        }
        self.words = words + [String(rest)]
        self.names = names
        self.translation = translation
    }

    /// What stands in the places of a text; nil where the text is no such sentence.
    func values(in text: String) -> [String: String]? {
        guard !names.isEmpty else { return text == words[0] ? [:] : nil }
        guard text.hasPrefix(words[0]) else { return nil }
        var rest = text.dropFirst(words[0].count)
        var values: [String: String] = [:]
        for (index, name) in names.enumerated() {
            let next = words[index + 1]
            let value: Substring
            if index == names.count - 1 {
                guard rest.hasSuffix(next) else { return nil }
                value = rest.dropLast(next.count)
                rest = ""
            } else {
                guard let range = rest.firstRange(of: next) else { return nil }
                value = rest[..<range.lowerBound]
                rest = rest[range.upperBound...]
            }
            guard !value.isEmpty else { return nil }
            values[name] = String(value)
        }
        return values
    }
}
