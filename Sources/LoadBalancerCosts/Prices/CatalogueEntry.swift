/// One value of a capacity unit or of a gateway, as lists show it.
package struct CatalogueEntry: Sendable, Encodable {
    package let kind: String
    package let name: String
    /// `new_connections_per_second.rsa-2048`, `tiers[0].price`.
    package let entry: String
    package let value: String
    package let origin: PriceOrigin

    /// A definition's values, one an entry.
    package static func of(_ definition: CatalogueDefinition) throws -> [CatalogueEntry] {
        try definition.values().map { path, text in
            CatalogueEntry(
                kind: definition.kind.rawValue, name: definition.name, entry: path, value: text,
                origin: definition.origin)
        }
    }

    package static func table(_ entries: [CatalogueEntry]) -> String {
        var table = TextTable(["name", "entry", "value", "date", "source"])
        for entry in entries {
            table.add([
                entry.name, entry.entry, entry.value, entry.origin.date,
                entry.origin.source + (entry.origin.inferred ? " (inferred)" : ""),
            ])
        }
        return table.text
    }

    package static func csv(_ entries: [CatalogueEntry]) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
        return
            (["kind,name,entry,value,date,inferred,source"]
            + entries.map { entry in
                "\(entry.kind),\(entry.name),\(entry.entry),\(quoted(entry.value)),\(entry.origin.date),"
                    + "\(entry.origin.inferred),\(quoted(entry.origin.source))"
            }).joined(separator: "\n") + "\n"
    }
}
