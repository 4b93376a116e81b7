package import Metering
import PostgreSQL

/// An imported price of a load balancer's item in a region.
package struct LoadBalancerPrice: Hashable, Sendable {
    package var region: String
    package var item: String
    /// From this day on, `2026-09-01`.
    package var effectiveOn: String
    /// Per unit of the item: an exact decimal without sign, exponent and trailing zeros.
    package var amount: String
    /// ISO 4217.
    package var currency: String
    package var source: String
    package var inferred: Bool

    package init(
        region: String, item: String, effectiveOn: String, amount: String, currency: String, source: String,
        inferred: Bool
    ) {
        self.region = region
        self.item = item
        self.effectiveOn = effectiveOn
        self.amount = amount
        self.currency = currency
        self.source = source
        self.inferred = inferred
    }
}

/// A price that is stored already and says otherwise for the same day.
package struct LoadBalancerPriceConflict: Error, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}

extension UsageStore {
    /// Stores prices in a transaction that is open.
    ///
    /// - Returns: how many were new.
    static func add(_ prices: [LoadBalancerPrice], on connection: PostgresConnection) async throws -> Int {
        let arguments: [any PostgresEncodable] = [
            prices.map(\.region), prices.map(\.item), prices.map(\.effectiveOn), prices.map(\.amount),
            prices.map(\.currency), prices.map(\.source), prices.map(\.inferred),
        ]
        let added = try await connection.execute(
            """
            INSERT INTO lb_price (region, item, effective_on, amount, currency, source, inferred)
            SELECT region, item, effective_on::date, amount, currency, source, inferred
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
                AS new (region, item, effective_on, amount, currency, source, inferred)
            ORDER BY region, item, effective_on ON CONFLICT DO NOTHING RETURNING 1
            """,
            arguments
        )
        let other = try await connection.execute(
            """
            SELECT region, item, effective_on::text, lb_price.amount, lb_price.currency, lb_price.source, new.amount,
                new.currency
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                AS new (region, item, day, amount, currency)
            JOIN lb_price USING (region, item)
            WHERE effective_on = day::date
                AND (lb_price.amount, lb_price.currency) IS DISTINCT FROM (new.amount, new.currency)
            ORDER BY 1, 2, 3 LIMIT 1
            """,
            Array(arguments.prefix(5))
        )
        if let row = other.first {
            let text = try (0..<8).map { try row.decode($0, as: String.self) }
            throw LoadBalancerPriceConflict(
                message:
                    "\(text[1]) in \(text[0]) from \(text[2]) is stored as \(text[3]) \(text[4]) (\(text[5])) and "
                    + "is \(text[6]) \(text[7]) here: stored prices never change, and nothing was stored; a new price "
                    + "needs a later effective date")
        }
        return added.count
    }

    /// Each item's newest price that is effective at an instant (in UTC); all that are stored without one.
    package func loadBalancerPrices(inForceAt instant: Timestamp?) async throws -> [LoadBalancerPrice] {
        try await pool.withConnection { connection in
            let rows =
                if let instant {
                    try await connection.execute(
                        """
                        SELECT DISTINCT ON (region, item)
                            region, item, effective_on::text, amount, currency, source, inferred
                        FROM lb_price WHERE effective_on <= ($1::timestamptz AT TIME ZONE 'UTC')::date
                        ORDER BY region, item, lb_price.effective_on DESC
                        """,
                        [instant.postgres])
                } else {
                    try await connection.execute(
                        """
                        SELECT region, item, effective_on::text, amount, currency, source, inferred
                        FROM lb_price ORDER BY region, item, lb_price.effective_on
                        """)
                }
            return try rows.map { row in
                LoadBalancerPrice(
                    region: try row.decode(0), item: try row.decode(1), effectiveOn: try row.decode(2),
                    amount: try row.decode(3), currency: try row.decode(4), source: try row.decode(5),
                    inferred: try row.decode(6))
            }
        }
    }
}
