/// A traffic file: hours, how often they repeat, a region and assumptions. JSON or CSV.
package struct TrafficFile: Sendable {
    /// Nil where the file names none (a CSV never does).
    package var region: String?
    package var assumptions: Assumptions
    package var series: TrafficSeries

    package init(region: String?, assumptions: Assumptions, series: TrafficSeries) {
        self.region = region
        self.assumptions = assumptions
        self.series = series
    }

    /// Reads JSON where the first character is `{`, else CSV. `name` is the file's, for messages and sources.
    package init(_ bytes: [UInt8], name: String, assumptions: Assumptions = Assumptions()) throws {
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        switch first {
        case UInt8(ascii: "{"): try self.init(json: bytes, name: name, assumptions: assumptions)
        case nil: throw LoadBalancerCostError(.invalidInput, "\(name) is empty: give a traffic file in JSON or CSV")
        default: try self.init(csv: bytes, name: name, assumptions: assumptions)
        }
    }

    private init(json bytes: [UInt8], name: String, assumptions: Assumptions) throws {
        let file = try JSONField(parsing: bytes, file: name)
        _ = try file.entries(allowed: ["region", "assumptions", "hours", "repeat"])
        region = try file.optional("region")?.string()
        var assumptions = assumptions
        for (key, field) in try file.optional("assumptions")?.entries(
            allowed: Assumptions.Name.allCases.map(\.rawValue)) ?? []
        {
            guard let assumption = Assumptions.Name(rawValue: key) else { continue }
            if case .null = field.node.value { continue }
            do {
                try assumptions.set(assumption, to: field.scalar(), source: name)
            } catch let error as LoadBalancerCostError where error.code == .invalidInput {
                throw field.error(error.message)
            }
        }
        self.assumptions = assumptions
        var hours: [TrafficHour] = []
        for field in try file.required("hours").list() {
            hours.append(try TrafficHour(json: field))
        }
        var repeats: Int64 = 1
        if let field = file.optional("repeat") {
            let value = try field.number()
            guard value.denominator == 1, let whole = Int64(exactly: value.numerator), whole >= 1 else {
                throw field.error("is \(value): give a whole number from 1")
            }
            repeats = whole
        }
        series = try Self.series(hours, repeats, name)
    }

    private init(csv bytes: [UInt8], name: String, assumptions: Assumptions) throws {
        let rows = try CSVReader.rows(bytes, file: name)
        guard let header = rows.first else { throw LoadBalancerCostError(.invalidInput, "\(name) is empty") }
        let columns = try CSVColumns(
            header, known: TrafficHour.columns, required: TrafficHour.requiredColumns, file: name)
        region = nil
        self.assumptions = assumptions
        series = try Self.series(rows.dropFirst().map { try TrafficHour(csv: $0, columns) }, 1, name)
    }

    private static func series(_ hours: [TrafficHour], _ repeats: Int64, _ name: String) throws -> TrafficSeries {
        do {
            return try TrafficSeries(hours, repeats: repeats)
        } catch let error as LoadBalancerCostError {
            throw LoadBalancerCostError(error.code, "\(name): \(error.message)")
        }
    }
}

extension TrafficHour {
    static let columns = [
        "start", "requests", "new_connections", "active_connections", "bytes", "lambda_bytes", "rule_evaluations",
    ]
    static let requiredColumns = ["start", "requests", "new_connections", "active_connections", "bytes"]

    fileprivate init(json field: JSONField) throws {
        _ = try field.entries(allowed: Self.columns + ["spread"])
        let start = try field.required("start")
        guard let instant = Instant.parse(try start.string()) else {
            throw start.error("is not an instant such as 2026-10-01T00:00:00Z")
        }
        guard instant % Instant.hour == 0 else {
            throw start.error("does not begin on the hour: give hours in UTC, each on its hour")
        }
        func count(_ field: JSONField) throws -> Fraction {
            let value = try field.number()
            guard !value.isNegative else { throw field.error("is \(value): counts must not be negative") }
            return value
        }
        self.init(
            start: instant,
            requests: try count(field.required("requests")),
            newConnections: try count(field.required("new_connections")),
            activeConnections: try count(field.required("active_connections")),
            bytes: try count(field.required("bytes")),
            lambdaBytes: try field.optional("lambda_bytes").map(count) ?? .zero,
            ruleEvaluations: try field.optional("rule_evaluations").map(count),
            spread: try field.optional("spread")?.scalar() == "true")
    }

    fileprivate init(csv row: CSVReader.Row, _ columns: CSVColumns) throws {
        try columns.check(row)
        guard let start = columns.value("start", row), let instant = Instant.parse(start), instant % Instant.hour == 0
        else {
            throw columns.error(row, "start", "must be an instant on the hour such as 2026-10-01T00:00:00Z")
        }
        func count(_ name: String) throws -> Fraction? {
            guard let text = columns.value(name, row), !text.isEmpty else { return nil }
            guard let value = Fraction(decimal: text), !value.isNegative else {
                throw columns.error(row, name, "is '\(text)': give a finite number that is not negative")
            }
            return value
        }
        func required(_ name: String) throws -> Fraction {
            guard let value = try count(name) else { throw columns.error(row, name, "is empty") }
            return value
        }
        self.init(
            start: instant, requests: try required("requests"), newConnections: try required("new_connections"),
            activeConnections: try required("active_connections"), bytes: try required("bytes"),
            lambdaBytes: try count("lambda_bytes") ?? .zero, ruleEvaluations: try count("rule_evaluations"))
    }
}
