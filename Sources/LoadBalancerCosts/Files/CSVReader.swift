/// RFC 4180: quoted fields, doubled quotes, line ends of either kind. Empty lines are skipped.
enum CSVReader {
    struct Row {
        let line: Int
        let fields: [String]
    }

    static func rows(_ bytes: [UInt8], file: String) throws -> [Row] {
        var rows: [Row] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var line = 1
        var firstLine = 1
        var quoted = false
        var wasQuoted = false
        var index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0

        func endField() {
            fields.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
            wasQuoted = false
        }
        func endRow() {
            let blank = fields.isEmpty && field.isEmpty && !wasQuoted
            if !blank {
                endField()
                rows.append(Row(line: firstLine, fields: fields))
            }
            fields.removeAll(keepingCapacity: true)
            firstLine = line
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if quoted {
                if byte == UInt8(ascii: "\n") { line += 1 }
                guard byte == UInt8(ascii: "\"") else {
                    field.append(byte)
                    continue
                }
                if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    quoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty && !wasQuoted:
                quoted = true
                wasQuoted = true
            case UInt8(ascii: ","): endField()
            case UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"):
                line += 1
                endRow()
            default: field.append(byte)
            }
        }
        guard !quoted else {
            throw LoadBalancerCostError(.invalidInput, "\(file), line \(firstLine): a quoted field that does not end")
        }
        endRow()
        return rows
    }
}

/// The header of a CSV file: where each known column stands.
struct CSVColumns {
    private let index: [String: Int]
    private let count: Int
    private let file: String

    /// Throws on an unknown, a repeated and a missing column.
    init(_ header: CSVReader.Row, known: [String], required: [String], file: String) throws {
        var index: [String: Int] = [:]
        for (place, raw) in header.fields.enumerated() {
            let name = raw.trimmingSpaces
            guard known.contains(name) else {
                throw LoadBalancerCostError(
                    .invalidInput,
                    "\(file), line \(header.line): column '\(name)' is not known; known: \(known.joined(separator: ", "))"
                )
            }
            guard index.updateValue(place, forKey: name) == nil else {
                throw LoadBalancerCostError(
                    .invalidInput, "\(file), line \(header.line): column '\(name)' is there twice")
            }
        }
        if let missing = required.first(where: { index[$0] == nil }) {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(file), line \(header.line): column '\(missing)' is missing; needed: \(required.joined(separator: ", "))"
            )
        }
        self.index = index
        count = header.fields.count
        self.file = file
    }

    /// Throws for a row with more or fewer fields than the header: a `1,000` without quotes would be two of them.
    func check(_ row: CSVReader.Row) throws {
        guard row.fields.count == count else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(file), line \(row.line): \(row.fields.count) fields where the header has \(count); write numbers without "
                    + "separators, or in quotes")
        }
    }

    func value(_ name: String, _ row: CSVReader.Row) -> String? {
        guard let place = index[name], place < row.fields.count else { return nil }
        return row.fields[place].trimmingSpaces
    }

    func error(_ row: CSVReader.Row, _ name: String, _ found: String) -> LoadBalancerCostError {
        LoadBalancerCostError(.invalidInput, "\(file), line \(row.line), \(name): \(found)")
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
