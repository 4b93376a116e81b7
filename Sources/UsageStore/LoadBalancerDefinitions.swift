package import Metering
import PostgreSQL

/// An imported capacity unit of a load balancer, or a request-priced gateway with its tiers.
package struct LoadBalancerDefinition: Hashable, Sendable {
    /// `capacity_unit` or `gateway`.
    package var kind: String
    package var name: String
    /// From this day on, `2026-09-01`.
    package var effectiveOn: String
    /// JSON on one line with its keys in order: two that say the same have the same text.
    package var definition: String
    package var source: String
    package var inferred: Bool

    package init(
        kind: String, name: String, effectiveOn: String, definition: String, source: String, inferred: Bool
    ) {
        self.kind = kind
        self.name = name
        self.effectiveOn = effectiveOn
        self.definition = definition
        self.source = source
        self.inferred = inferred
    }
}

extension UsageStore {
    /// Stores prices and definitions in one transaction; those that are stored already change nothing.
    ///
    /// - Returns: how many were new.
    /// - Throws: `LoadBalancerPriceConflict` where one differs from what is stored for its day; then none is stored.
    package func add(prices: [LoadBalancerPrice], definitions: [LoadBalancerDefinition]) async throws -> Int {
        try await pool.transaction(.readCommitted) { connection in
            let added = try await Self.add(prices, on: connection)
            return try await Self.add(definitions, on: connection) + added
        }
    }

    private static func add(
        _ definitions: [LoadBalancerDefinition], on connection: PostgresConnection
    ) async throws -> Int {
        let arguments: [any PostgresEncodable] = [
            definitions.map(\.kind), definitions.map(\.name), definitions.map(\.effectiveOn),
            definitions.map(\.definition), definitions.map(\.source), definitions.map(\.inferred),
        ]
        let added = try await connection.execute(
            """
            INSERT INTO lb_definition (kind, name, effective_on, definition, source, inferred)
            SELECT kind, name, effective_on::date, definition, source, inferred
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
                AS new (kind, name, effective_on, definition, source, inferred)
            ORDER BY kind, name, effective_on ON CONFLICT DO NOTHING RETURNING 1
            """,
            arguments
        )
        let other = try await connection.execute(
            """
            SELECT kind, name, effective_on::text, lb_definition.source, lb_definition.definition, new.definition
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (kind, name, day, definition)
            JOIN lb_definition USING (kind, name)
            WHERE effective_on = day::date AND lb_definition.definition <> new.definition
            ORDER BY 1, 2, 3 LIMIT 1
            """,
            Array(arguments.prefix(4))
        )
        if let row = other.first {
            let text = try (0..<6).map { try row.decode($0, as: String.self) }
            throw LoadBalancerPriceConflict(
                message:
                    "\(text[0]) \(text[1]) from \(text[2]) is stored as \(text[4]) (\(text[3])) and is \(text[5]) here: "
                    + "what is stored never changes, and nothing was stored; a new one needs a later effective date")
        }
        return added.count
    }

    /// Each name's newest definition that is effective at an instant (in UTC); all that are stored without one.
    package func loadBalancerDefinitions(inForceAt instant: Timestamp?) async throws -> [LoadBalancerDefinition] {
        try await pool.withConnection { connection in
            let rows =
                if let instant {
                    try await connection.execute(
                        """
                        SELECT DISTINCT ON (kind, name)
                            kind, name, effective_on::text, definition, source, inferred
                        FROM lb_definition WHERE effective_on <= ($1::timestamptz AT TIME ZONE 'UTC')::date
                        ORDER BY kind, name, lb_definition.effective_on DESC
                        """,
                        [instant.postgres])
                } else {
                    try await connection.execute(
                        """
                        SELECT kind, name, effective_on::text, definition, source, inferred
                        FROM lb_definition ORDER BY kind, name, lb_definition.effective_on
                        """)
                }
            return try rows.map { row in
                LoadBalancerDefinition(
                    kind: try row.decode(0), name: try row.decode(1), effectiveOn: try row.decode(2),
                    definition: try row.decode(3), source: try row.decode(4), inferred: try row.decode(5))
            }
        }
    }
}
