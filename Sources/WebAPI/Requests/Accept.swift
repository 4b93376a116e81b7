/// What a client takes, by its weights: `text/html, application/json;q=0.8, */*;q=0.1`.
struct Accept: Sendable {
    private struct Range: Sendable {
        let type: String
        /// Without `q`, and without what is the same for all forms.
        let parameters: [String: String]
        /// 0 to 1,000.
        let weight: Int

        init(_ text: Substring) {
            let pieces = text.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            type = pieces.first ?? ""
            var parameters: [String: String] = [:]
            for piece in pieces.dropFirst() {
                let name = String(piece.prefix { $0 != "=" })
                parameters[name] = piece.dropFirst(name.count + 1).filter { $0 != "\"" }
            }
            weight = parameters.removeValue(forKey: "q").map { Accept.thousandths($0[...]) } ?? 1_000
            for name in ["charset", "header"] { parameters[name] = nil }
            self.parameters = parameters
        }
    }

    private let ranges: [Range]

    /// - Parameter header: nil or empty for a client that takes anything.
    init(_ header: String?) {
        let parts = (header ?? "").split(separator: ",").map { Range($0) }
        ranges = parts.isEmpty ? [Range("*/*")] : parts
    }

    /// How much a type is wanted, by the range that fits it best: itself with the most of its parameters, itself, its
    /// family, anything. 0: not at all.
    func weight(of type: String, parameters: [String: String] = [:]) -> Int {
        let family = String(type.prefix { $0 != "/" }) + "/*"
        for name in [type, family, "*/*"] {
            let fitting = ranges.filter { range in
                range.type == name && range.parameters.allSatisfy { parameters[$0.key] == $0.value }
            }
            if let most = fitting.map(\.parameters.count).max() {
                return fitting.first { $0.parameters.count == most }?.weight ?? 0
            }
        }
        return 0
    }

    /// Whether a type is asked for by its own name.
    func names(_ type: String) -> Bool { ranges.contains { $0.type == type && $0.weight > 0 } }

    /// `0.75` as 750; 0 for what is no weight.
    static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 0 }
        let digits = parts.count == 2 ? String(parts[1].prefix(3)) : ""
        let fraction = Int(digits + String(repeating: "0", count: 3 - digits.count)) ?? 0
        return min(1_000, whole * 1_000 + max(0, fraction))
    }
}

/// The languages that a client reads, by their weights: `de-AT, de;q=0.9, en;q=0.5`.
struct AcceptLanguage: Sendable {
    private let ranges: [(tag: String, weight: Int)]

    init(_ header: String?) {
        ranges = (header ?? "").split(separator: ",").map { part in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Accept.thousandths($0.dropFirst(2)) }
            return (pieces.first ?? "", weight ?? 1_000)
        }
    }

    /// The one that weighs most, of equals the one that is named first, and of those that `*` means the first here; nil
    /// where none is wanted. `de` fits `de-AT`.
    func best(of codes: [String]) -> String? {
        var best: (code: String, weight: Int, place: Int)?
        for code in codes {
            let own = ranges.enumerated().filter { ($0.element.tag + "-").hasPrefix(code.lowercased() + "-") }
            let fitting = own.isEmpty ? ranges.enumerated().filter { $0.element.tag == "*" } : own
            guard let range = fitting.max(by: { ($0.element.weight, -$0.offset) < ($1.element.weight, -$1.offset) }),
                range.element.weight > 0
            else { continue }
            if let best, (best.weight, -best.place) >= (range.element.weight, -range.offset) { continue }
            best = (code, range.element.weight, range.offset)
        }
        return best?.code
    }
}
