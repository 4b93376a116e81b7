/// The validators of `If-None-Match` and `If-Match`.
struct EntityTags {
    private let tags: [String]
    private let isAny: Bool

    /// - Parameter header: `"abc", W/"def"` or `*`; nil when it was not sent.
    init(_ header: String?) {
        let parts = (header ?? "").split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        isAny = parts == ["*"]
        tags = parts.map { Self.unpacked($0.hasPrefix("W/") ? String($0.dropFirst(2)) : $0) }
    }

    /// Whether the header was sent.
    var isEmpty: Bool { tags.isEmpty }

    func contains(_ tag: String) -> Bool { isAny || tags.contains(Self.unpacked(tag)) }

    private static let suffix = "-gzip\""

    /// The validator of the packed form of a body.
    static func packed(_ tag: String) -> String { tag.hasSuffix("\"") ? String(tag.dropLast()) + suffix : tag }

    private static func unpacked(_ tag: String) -> String {
        tag.hasSuffix(suffix) ? String(tag.dropLast(suffix.count)) + "\"" : tag
    }
}
