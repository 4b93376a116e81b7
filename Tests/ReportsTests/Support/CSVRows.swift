/// Rows of an RFC 4180 file, read by another hand than the one that wrote it.
struct CSVRows {
    struct Broken: Error {}

    let rows: [[String]]

    init(_ text: String) throws {
        var rows: [[String]] = []
        var row: [String] = []
        var cell = String.UnicodeScalarView()
        var isQuoted = false
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()
        while let scalar = next {
            next = scalars.next()
            switch scalar {
            case "\"" where isQuoted && next == "\"":
                cell.append("\"")
                next = scalars.next()
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                row.append(String(cell))
                cell = String.UnicodeScalarView()
            case "\r" where !isQuoted:
                guard next == "\n" else { throw Broken() }
                next = scalars.next()
                rows.append(row + [String(cell)])
                row = []
                cell = String.UnicodeScalarView()
            default: cell.append(scalar)
            }
        }
        guard row.isEmpty, cell.isEmpty, !isQuoted else { throw Broken() }
        self.rows = rows
    }

    /// Each row by the names of the head.
    var records: [[String: String]] {
        guard let head = rows.first else { return [] }
        return rows.dropFirst().map { Dictionary(zip(head, $0), uniquingKeysWith: { first, _ in first }) }
    }
}
