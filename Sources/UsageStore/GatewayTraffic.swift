package import Metering
import PostgreSQL

/// A gateway's traffic over all its tenants, by quarter hour.
package struct GatewayTraffic: Hashable, Sendable {
    package struct Slice: Hashable, Sendable {
        package var quarterHour: Timestamp
        package var requests: Int64
        package var newConnections: Int64
        /// The mean over the quarter hour, summed over tenants. Unit: 1 / `partsPerConnection` of a connection.
        package var activeConnectionParts: Int64
        /// Both directions.
        package var bytes: Int64
    }

    /// What of a quarter hour began before it: an even part of it belongs to each moment of the interval.
    package struct Carry: Hashable, Sendable {
        package var quarterHour: Timestamp
        package var requests: Int64
        /// Connections and bytes have the share of their record that its requests have: their own is not stored.
        package var newConnections: Int64
        package var bytes: Int64
        package var since: Timestamp
        package var until: Timestamp
    }

    /// The unit of active connections.
    package static let partsPerConnection = GaugeUsage.meanParts

    /// Quarter hours with a record, ascending.
    package var slices: [Slice]
    package var carries: [Carry]
    /// Since when the gateway is metered: a load balancer in its place would have stood no earlier.
    package var meteringSince: Timestamp
    /// The database's clock at the reading.
    package var asOf: Timestamp
}

extension UsageStore {
    /// A gateway's traffic in `[start, end)`, from one snapshot.
    ///
    /// - Throws: `UsageStoreError` with `unknownGateway`.
    package func traffic(of gateway: String, from start: Timestamp, to end: Timestamp) async throws -> GatewayTraffic {
        try await pool.transaction(.repeatableRead) { connection in
            let number = try await Self.gatewayNumber(gateway, on: connection)
            let since = try await connection.execute(
                "SELECT metering_since, now() FROM gateway WHERE gateway_id = $1", [number])
            guard let row = since.first else { throw UsageStoreError(.unknownGateway, "\(gateway) is gone") }
            let slices = try await connection.execute(
                """
                SELECT quarter_hour, sum(requests)::bigint, sum(new_connections)::bigint,
                    sum(active_connections_sum)::bigint, (sum(received_bytes) + sum(sent_bytes))::bigint
                FROM consumption WHERE gateway_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3
                GROUP BY 1 ORDER BY 1
                """,
                [number, start.postgres, end.postgres]
            )
            let carries = try await connection.execute(
                """
                SELECT quarter_hour, sum(carried_in)::bigint, carried_since, carried_until,
                    sum(div(new_connections::numeric * carried_in, requests))::bigint,
                    sum(div((received_bytes::numeric + sent_bytes) * carried_in, requests))::bigint
                FROM consumption
                WHERE gateway_id = $1 AND quarter_hour >= $2 AND quarter_hour < $3 AND carried_in > 0
                    AND carried_since < carried_until
                GROUP BY quarter_hour, carried_since, carried_until
                ORDER BY quarter_hour, carried_since, carried_until
                """,
                [number, start.postgres, end.postgres]
            )
            return GatewayTraffic(
                slices: try slices.map { slice in
                    GatewayTraffic.Slice(
                        quarterHour: try slice.timestamp(0), requests: try slice.decode(1),
                        newConnections: try slice.decode(2),
                        activeConnectionParts: try slice.decode(3),
                        bytes: try slice.decode(4))
                },
                carries: try carries.map { carry in
                    GatewayTraffic.Carry(
                        quarterHour: try carry.timestamp(0), requests: try carry.decode(1),
                        newConnections: try carry.decode(4), bytes: try carry.decode(5),
                        since: try carry.timestamp(2), until: try carry.timestamp(3))
                },
                meteringSince: try row.timestamp(0), asOf: try row.timestamp(1))
        }
    }
}
