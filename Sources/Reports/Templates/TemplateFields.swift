import Foundation
import Mustache

/// What a template can name: fields with text, flags, parts and rows.
///
/// Text is escaped by the template (`{{name}}`); markup that this module made itself, such as a chart, is put in by
/// three braces (`{{{chart}}}`). A field that holds nothing is still a field: a template that names another is refused.
package final class TemplateFields: MustacheParent {
    private var values: [String: Any?] = [:]

    package init() {}

    /// Text; nothing, where it is nil or empty, so that `{{#name}}` asks whether there is any.
    package func text(_ name: String, _ value: String?) {
        values[name] = .some(value.flatMap { $0.isEmpty ? nil : SafeText.page($0) })
    }

    /// Markup that this module made.
    package func markup(_ name: String, _ value: String?) {
        values[name] = .some(value.flatMap { $0.isEmpty ? nil : $0 })
    }

    package func flag(_ name: String, _ value: Bool) {
        values[name] = .some(value)
    }

    /// Fields under a name: `{{#customer}}{{name}}{{/customer}}` or `{{customer.name}}`.
    package func part(_ name: String, _ value: TemplateFields?) {
        values[name] = .some(value)
    }

    /// A list of rows with the same columns; a cell that is nil or empty holds nothing. `{{#has_name}}` asks whether
    /// there are any.
    package func rows(_ name: String, _ columns: [String], _ rows: [[String?]]) {
        list(name, columns: columns, of: rows.map { TemplateRow(columns: Self.index(columns), cells: $0) })
    }

    /// A list of lists, for instance days of hours: each row's cells, and its inner rows under `inner`.
    package func rows(
        _ name: String, _ columns: [String], inner: String, _ innerColumns: [String],
        _ rows: [(cells: [String?], inner: [[String?]])]
    ) {
        let outer = Self.index(columns)
        let nested = Self.index(innerColumns)
        list(
            name, columns: columns + [inner] + innerColumns,
            of: rows.map { row in
                TemplateRow(
                    columns: outer, cells: row.cells, innerName: inner,
                    inner: row.inner.map { TemplateRow(columns: nested, cells: $0) })
            })
    }

    /// Every name that a template can use here, in parts and rows too.
    package var names: Set<String> {
        var names = Set(values.keys).union(rowNames)
        for case let part as TemplateFields in values.values.lazy.compactMap({ $0 }) { names.formUnion(part.names) }
        return names
    }

    package func child(named name: String) -> Any? { values[name] ?? nil }

    private var rowNames: Set<String> = []

    private func list(_ name: String, columns: [String], of rows: [TemplateRow]) {
        values[name] = .some(rows)
        values["has_" + name] = .some(!rows.isEmpty)
        rowNames.formUnion(columns)
    }

    private static func index(_ columns: [String]) -> [String: Int] {
        Dictionary(columns.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }
}

/// One row of a list.
private final class TemplateRow: MustacheParent {
    private let columns: [String: Int]
    private let cells: [String?]
    private let innerName: String?
    private let inner: [TemplateRow]

    init(columns: [String: Int], cells: [String?], innerName: String? = nil, inner: [TemplateRow] = []) {
        self.columns = columns
        self.cells = cells.map { $0.flatMap { $0.isEmpty ? nil : SafeText.page($0) } }
        self.innerName = innerName
        self.inner = inner
    }

    func child(named name: String) -> Any? {
        // An empty cell holds nothing, also where the report around the list has a field of that name.
        if let index = columns[name], index < cells.count { return cells[index] ?? NSNull() }
        return name == innerName ? inner : nil
    }
}
