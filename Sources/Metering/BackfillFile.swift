/// A row of a backfill: so much more, or less, of a dimension in one quarter hour of a tenant's service.
package struct BackfillRow: Hashable, Sendable {
    package var tenant: String
    package var gateway: String
    package var service: String
    package var quarterHour: QuarterHour
    package var dimension: Dimension
    /// Negative where usage is taken away.
    package var quantity: Int64
    /// The line of the file that it stands in; 0 where it comes from no file.
    package var line: Int

    package init(
        tenant: String, gateway: String, service: String, quarterHour: QuarterHour, dimension: Dimension,
        quantity: Int64, line: Int = 0
    ) {
        self.tenant = tenant
        self.gateway = gateway
        self.service = service
        self.quarterHour = quarterHour
        self.dimension = dimension
        self.quantity = quantity
        self.line = line
    }
}

/// A backfill as CSV: `tenant,gateway,service,quarter_hour,dimension,quantity`, the columns in any order.
package enum BackfillFile {
    package static let columns = ["tenant", "gateway", "service", "quarter_hour", "dimension", "quantity"]
    /// Wrong rows that one error names.
    private static let named = 20

    /// What is wrong, one line each: `usage.csv:3: quarter_hour: …`.
    package struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        package let problems: [String]
        package var description: String {
            let more = problems.count - BackfillFile.named
            return problems.prefix(BackfillFile.named).joined(separator: "\n")
                + (more > 0 ? "\nand \(more) more" : "") + "\nnothing was taken from the file"
        }

        package init(problems: [String]) {
            self.problems = problems
        }
    }

    /// Reads all rows, or none. Rows of quantity 0 change nothing and are left out.
    ///
    /// - Parameters:
    ///   - file: its name, for messages.
    ///   - now: quarter hours that end later are refused.
    package static func read(_ bytes: [UInt8], file: String, now: Timestamp) throws(Invalid) -> [BackfillRow] {
        let lines = try records(bytes, file: file)
        guard let header = lines.first else {
            throw Invalid(problems: ["\(file): the file is empty; its first line is \(columns.joined(separator: ","))"])
        }
        let order = try order(of: header.fields, file: file, line: header.line)
        var problems: [String] = []
        var rows: [BackfillRow] = []
        var seen: [Key: Int] = [:]
        for record in lines.dropFirst() {
            var reader = RowReader(file: file, line: record.line, fields: record.fields, order: order, now: now)
            let row = reader.row()
            problems += reader.problems
            guard let row else { continue }
            if let earlier = seen.updateValue(row.line, forKey: Key(row)) {
                problems.append(
                    "\(file):\(row.line): the same tenant, gateway, service, quarter hour and dimension stand in line "
                        + "\(earlier); add the two up, or leave one out")
            }
            if row.quantity != 0 { rows.append(row) }
        }
        if problems.isEmpty, rows.isEmpty { problems.append("\(file): there is no row that changes anything") }
        guard problems.isEmpty else { throw Invalid(problems: problems) }
        return rows
    }

    private struct Key: Hashable {
        let names: [String]
        let quarterHour: QuarterHour
        let dimension: Dimension

        init(_ row: BackfillRow) {
            names = [row.tenant, row.gateway, row.service]
            quarterHour = row.quarterHour
            dimension = row.dimension
        }
    }

    /// By column of `columns`, its place in a row.
    private static func order(of header: [String], file: String, line: Int) throws(Invalid) -> [Int] {
        var problems: [String] = []
        for name in header where !columns.contains(name) {
            problems.append(
                "\(file):\(line): the column \"\(name)\" is not known; the columns are \(columns.joined(separator: ","))"
            )
        }
        for name in columns where header.count(where: { $0 == name }) != 1 {
            problems.append("\(file):\(line): the column \(name) stands \(header.contains(name) ? "twice" : "nowhere")")
        }
        guard problems.isEmpty else { throw Invalid(problems: problems) }
        return columns.compactMap { header.firstIndex(of: $0) }
    }

    /// RFC 4180: fields may be quoted, quotes in them are doubled, line ends are of either kind.
    private static func records(
        _ bytes: [UInt8], file: String
    ) throws(Invalid) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var (line, firstLine) = (1, 1)
        var isQuoted = false
        var index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        func endField() {
            fields.append(String(decoding: field, as: UTF8.self))
            field = []
        }
        func endRecord() {
            if !fields.isEmpty || !field.isEmpty {
                endField()
                records.append((firstLine, fields))
            }
            fields = []
            firstLine = line
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && index < bytes.count && bytes[index] == byte:
                field.append(byte)
                index += 1
            case UInt8(ascii: "\"") where isQuoted || field.isEmpty: isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: endField()
            case UInt8(ascii: "\n") where !isQuoted: endRecord()
            case UInt8(ascii: "\r") where !isQuoted: break
            default: field.append(byte)
            }
        }
        guard !isQuoted else {
            throw Invalid(problems: ["\(file):\(firstLine): a quoted field does not end; close it with a quote"])
        }
        endRecord()
        return records
    }
}

/// Reads one row and says all that is wrong with it.
private struct RowReader {
    let file: String
    let line: Int
    let fields: [String]
    let order: [Int]
    let now: Timestamp
    var problems: [String] = []

    mutating func row() -> BackfillRow? {
        guard fields.count == BackfillFile.columns.count else {
            problems.append("\(file):\(line): \(fields.count) fields, where \(BackfillFile.columns.count) belong")
            return nil
        }
        let names = (0..<3).map { name($0) }
        let quarterHour = quarterHour()
        let dimension = dimension()
        let quantity = quantity()
        guard problems.isEmpty, let quarterHour, let dimension, let quantity else { return nil }
        return BackfillRow(
            tenant: names[0], gateway: names[1], service: names[2], quarterHour: quarterHour, dimension: dimension,
            quantity: quantity, line: line)
    }

    private func field(_ column: Int) -> String { fields[order[column]] }

    private mutating func refuse(_ column: Int, _ reason: String) {
        problems.append("\(file):\(line): \(BackfillFile.columns[column]): \(reason)")
    }

    private mutating func name(_ column: Int) -> String {
        let name = field(column)
        let isText = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        if !(1...512).contains(name.utf8.count) || !isText || name.allSatisfy(\.isWhitespace) {
            refuse(column, "found \"\(name.prefix(40))\", where a name of 1 to 512 bytes belongs")
        }
        return name
    }

    private mutating func quarterHour() -> QuarterHour? {
        guard let time = Timestamp(field(3)) else {
            refuse(3, "found \"\(field(3))\", where a time in UTC belongs, as 2026-11-03T12:15:00Z")
            return nil
        }
        guard let quarterHour = QuarterHour(start: time) else {
            refuse(3, "\(time) is not the start of a quarter hour; that would be \(QuarterHour(containing: time))")
            return nil
        }
        guard quarterHour.start <= now else {
            refuse(3, "\(time) lies in the future")
            return nil
        }
        return quarterHour
    }

    private mutating func dimension() -> Dimension? {
        let counted = Dimension.allCases.filter { $0 != .activeConnections }
        guard let dimension = counted.first(where: { $0.rawValue == field(4) }) else {
            refuse(4, "found \"\(field(4))\"; allowed: \(counted.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        return dimension
    }

    private mutating func quantity() -> Int64? {
        guard let quantity = Int64(field(5)), quantity.magnitude <= UInt64(CounterValue.maximum) else {
            refuse(5, "found \"\(field(5))\", where a whole number of at most 2^53 belongs, negative to take away")
            return nil
        }
        return quantity
    }
}
