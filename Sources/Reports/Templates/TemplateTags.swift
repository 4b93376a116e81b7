/// The tags of a Mustache template with their lines, for checking names before anything is rendered.
struct TemplateTags {
    struct Tag: Hashable {
        enum Kind: Hashable {
            case field
            case partial
        }

        let kind: Kind
        let name: String
        /// From 1.
        let line: Int
    }

    let tags: [Tag]

    init(_ source: String) {
        var tags: [Tag] = []
        var line = 1
        var rest = source[...]
        while let open = rest.firstRange(of: "{{") {
            line += rest[..<open.lowerBound].count(where: \.isNewline)
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { break }
            let inside = rest[open.upperBound..<close.lowerBound]
            if let tag = Self.tag(inside, line: line) { tags.append(tag) }
            line += inside.count(where: \.isNewline)
            rest = rest[close.upperBound...]
        }
        self.tags = tags
    }

    private static func tag(_ inside: Substring, line: Int) -> Tag? {
        let sigils: Set<Character> = ["#", "^", "/", "&", "{", ">", "!", "=", "%", "$", "<"]
        let text = inside.filter { !$0.isWhitespace }
        guard let first = text.first else { return nil }
        let name = String(sigils.contains(first) ? text.dropFirst() : text[...])
        switch first {
        case "!", "=", "%", "/", "$", "<": return nil
        case ">": return Tag(kind: .partial, name: name, line: line)
        default: return name == "." ? nil : Tag(kind: .field, name: name, line: line)
        }
    }
}
