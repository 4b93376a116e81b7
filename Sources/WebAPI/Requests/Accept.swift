/// What a client takes, by its weights: `text/html, application/json;q=0.8, */*;q=0.1`.
struct Accept: Sendable {
    private struct Range: Sendable {
        let type: String
        /// 0 to 1,000.
        let weight: Int
    }

    private let ranges: [Range]

    /// - Parameter header: nil or empty for a client that takes anything.
    init(_ header: String?) {
        let parts = (header ?? "").split(separator: ",").map { part -> Range in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Self.thousandths($0.dropFirst(2)) }
            return Range(type: pieces.first ?? "", weight: weight ?? 1_000)
        }
        ranges = parts.isEmpty ? [Range(type: "*/*", weight: 1_000)] : parts
    }

    /// How much a type is wanted, by the range that fits it best: itself, its family, anything. 0: not at all.
    func weight(of type: String) -> Int {
        let family = String(type.prefix { $0 != "/" }) + "/*"
        for name in [type, family, "*/*"] {
            if let range = ranges.first(where: { $0.type == name }) { return range.weight }
        }
        return 0
    }

    /// Whether a type is asked for by its own name.
    func names(_ type: String) -> Bool { ranges.contains { $0.type == type && $0.weight > 0 } }

    /// `0.75` as 750; 0 for what is no weight.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 0 }
        let digits = parts.count == 2 ? String(parts[1].prefix(3)) : ""
        let fraction = Int(digits + String(repeating: "0", count: 3 - digits.count)) ?? 0
        return min(1_000, whole * 1_000 + max(0, fraction))
    }
}
