extension TrafficSeries {
    /// One listed hour, as a traffic file has it.
    package struct Listed: Encodable, Sendable {
        let hour: TrafficHour

        private enum CodingKeys: String, CodingKey {
            case start, requests
            case newConnections = "new_connections"
            case activeConnections = "active_connections"
            case bytes
            case lambdaBytes = "lambda_bytes"
            case ruleEvaluations = "rule_evaluations"
            case spread
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(Instant.text(hour.start), forKey: .start)
            for (value, key) in [
                (hour.requests, CodingKeys.requests), (hour.newConnections, .newConnections),
                (hour.activeConnections, .activeConnections), (hour.bytes, .bytes), (hour.lambdaBytes, .lambdaBytes),
            ] { try container.encode(Self.text(value), forKey: key) }
            try container.encodeIfPresent(hour.ruleEvaluations.map(Self.text), forKey: .ruleEvaluations)
            if hour.spread { try container.encode(true, forKey: .spread) }
        }

        /// With more places than answers have, so that what is computed from it has theirs right.
        private static func text(_ value: Fraction) -> String { value.decimal(places: 18) }
    }

    /// The listed hours, exact; in JSON as a traffic file has them, so that an answer can be fed back or recomputed.
    package var hours: [TrafficHour] {
        get throws {
            try zip(starts, rows).map { start, row in
                TrafficHour(
                    start: start, requests: try Fraction(row.requests, over: countScale),
                    newConnections: try Fraction(row.newConnections, over: countScale),
                    activeConnections: try Fraction(row.activeConnections, over: activeScale),
                    bytes: try Fraction(row.bytes, over: countScale),
                    lambdaBytes: try Fraction(row.lambdaBytes, over: countScale),
                    ruleEvaluations: row.ruleEvaluations < 0
                        ? nil : try Fraction(row.ruleEvaluations, over: countScale),
                    spread: spreadStarts.contains(start))
            }
        }
    }

    package var listed: [Listed] {
        get throws { try hours.map { Listed(hour: $0) } }
    }
}
