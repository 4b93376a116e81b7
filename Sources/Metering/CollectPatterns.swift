/// Which counters and gauges are read into tapes; all else is skipped on the wire.
package struct CollectPatterns: Hashable, Sendable {
    package let include: [NamePattern]
    package let exclude: [NamePattern]
    /// Names that are never refused by the cap on names.
    package let pinned: [NamePattern]

    package init(include: [NamePattern], exclude: [NamePattern] = [], pinned: [NamePattern] = []) {
        self.include = include
        self.exclude = exclude
        self.pinned = pinned
    }

    /// Collects every counter: what `replay` uses unless `--match` narrows it.
    package static let everything: CollectPatterns = {
        guard let all = try? NamePattern("*") else { return CollectPatterns(include: []) }
        return CollectPatterns(include: [all])
    }()

    package func selects(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return include.contains { $0.match(bytes) != nil } && !exclude.contains { $0.match(bytes) != nil }
    }

    package func pins(_ name: String) -> Bool {
        pinned.contains { $0.matches(name) }
    }

    /// The patterns as lines of text: the identity of a collect version.
    package var canonicalText: String {
        let lines = include.map { "+ \($0)" } + exclude.map { "- \($0)" } + pinned.map { "! \($0)" }
        return lines.joined(separator: "\n")
    }

    /// Reads what `canonicalText` wrote.
    package init(canonicalText: String) throws(MeteringError) {
        var include: [NamePattern] = []
        var exclude: [NamePattern] = []
        var pinned: [NamePattern] = []
        for line in canonicalText.split(separator: "\n") {
            let pattern = try NamePattern(String(line.dropFirst(2)))
            switch line.first {
            case "+": include.append(pattern)
            case "-": exclude.append(pattern)
            case "!": pinned.append(pattern)
            default: throw MeteringError(.pattern, "collect patterns: line \"\(line)\" begins with none of + - !")
            }
        }
        self.init(include: include, exclude: exclude, pinned: pinned)
    }
}
