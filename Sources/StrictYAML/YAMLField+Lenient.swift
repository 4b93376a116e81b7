import Yams

/// Files that others wrote for other programs: what is not known is passed over.
extension YAMLField {
    /// The value of a key; nil where this is no mapping or has no such key.
    package subscript(key: String) -> YAMLField? {
        entries.first { $0.key == key }?.value
    }

    /// The value at the end of a way of keys.
    package func at(_ keys: String...) -> YAMLField? {
        keys.reduce(self) { field, key in field?[key] }
    }

    /// The keys and values of a mapping; empty for anything else.
    package var entries: [(key: String, value: YAMLField)] {
        guard case .mapping(let mapping) = node else { return [] }
        return mapping.compactMap { key, value in
            guard let name = key.scalar?.string else { return nil }
            return (name, YAMLField(file: file, path: path.isEmpty ? name : "\(path).\(name)", node: value))
        }
    }

    /// The elements of a list; empty for anything else.
    package var items: [YAMLField] {
        guard case .sequence(let sequence) = node else { return [] }
        return sequence.enumerated().map { YAMLField(file: file, path: "\(path)[\($0.offset)]", node: $0.element) }
    }

    /// Whether it says true.
    package var isTrue: Bool { ["true", "True", "TRUE"].contains(string ?? "") }
}
