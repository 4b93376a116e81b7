/// How many requests matched the route at each position of the configuration, from an access log: a request is held
/// against every rule up to the one that it matches, so that position is the number of rules processed for it.
package struct RouteCounts: Hashable, Sendable {
    /// The requests of one position, which begins at 1.
    package struct Route: Hashable, Sendable {
        package let position: Int64
        package let requests: Fraction
    }

    package let routes: [Route]
    package let source: String
    private let total: Fraction

    /// Reads JSON, `{"routes":[{"position":1,"requests":900,"route":"home"}]}`, or CSV with the columns `position`,
    /// `requests` and, if you like, `route`. Throws `.invalidInput` with the place.
    package init(_ bytes: [UInt8], name: String) throws {
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        routes = try first == UInt8(ascii: "{") ? Self.json(bytes, name) : Self.csv(bytes, name)
        source = name
        total = try routes.reduce(.zero) { try $0 + $1.requests }
        guard !total.isZero else {
            throw LoadBalancerCostError(
                .invalidInput, "\(name) counts no request: give each route's position and its requests")
        }
    }

    private static let columns = ["position", "requests", "route"]

    private static func json(_ bytes: [UInt8], _ name: String) throws -> [Route] {
        let file = try JSONField(parsing: bytes, file: name)
        _ = try file.entries(allowed: ["routes"])
        return try file.required("routes").list().map { field in
            _ = try field.entries(allowed: columns)
            let place = try field.required("position")
            let requests = try field.required("requests")
            guard let route = Route(try place.number(), try requests.number()) else {
                throw field.error("give a position from 1, as a whole number, and requests that are not negative")
            }
            return route
        }
    }

    private static func csv(_ bytes: [UInt8], _ name: String) throws -> [Route] {
        let rows = try CSVReader.rows(bytes, file: name)
        guard let header = rows.first else { throw LoadBalancerCostError(.invalidInput, "\(name) is empty") }
        let columns = try CSVColumns(header, known: columns, required: ["position", "requests"], file: name)
        return try rows.dropFirst().map { row in
            try columns.check(row)
            func number(_ column: String) throws -> Fraction {
                let text = columns.value(column, row) ?? ""
                guard let value = Fraction(decimal: text) else {
                    throw columns.error(row, column, "is '\(text)': give a number")
                }
                return value
            }
            guard let route = Route(try number("position"), try number("requests")) else {
                throw columns.error(
                    row, "position", "give a position from 1, as a whole number, and requests that are not negative")
            }
            return route
        }
    }

    /// Rules that are processed for a request, on the mean.
    package func rulesPerRequest() throws -> Fraction {
        try routes.reduce(.zero) { try $0 + $1.requests * $1.position } / total
    }

    /// Evaluations that are charged for a request, on the mean: those beyond `free`, of each route for itself.
    package func evaluationsPerRequest(free: Int64) throws -> Fraction {
        try routes.reduce(.zero) { try $0 + $1.requests * max(0, $1.position - free) } / total
    }
}

extension RouteCounts.Route {
    fileprivate init?(_ position: Fraction, _ requests: Fraction) {
        guard position.denominator == 1, position >= .one, position.numerator <= 1_000_000, !requests.isNegative else {
            return nil
        }
        self.init(position: Int64(position.numerator), requests: requests)
    }
}
