import Metering
import PostgreSQL
import Synchronization

/// Counter sets and names that were read: they never change, and a gateway's are the same in every quarter hour.
final class CounterDictionary: Sendable {
    /// Counters of sets, and names, remembered; above it they are forgotten and read again.
    private static let remembered = 2_000_000

    private struct Known {
        var sets: [Int64: [CounterID]] = [:]
        var counters = 0
        var names: [CounterID: String] = [:]
    }

    private let known = Mutex(Known())

    /// Counter sets of a gateway by number. One that does not exist is left out.
    func sets(
        _ numbers: Set<Int64>, of gateway: Int64, on connection: PostgresConnection
    ) async throws -> [Int64: [CounterID]] {
        var sets = known.withLock { known in
            numbers.reduce(into: [Int64: [CounterID]](minimumCapacity: numbers.count)) { $0[$1] = known.sets[$1] }
        }
        let missing = numbers.filter { sets[$0] == nil }.sorted()
        guard !missing.isEmpty else { return sets }
        let rows = try await connection.execute(
            """
            SELECT counter_set_id, counters FROM counter_set
            WHERE gateway_id = $1 AND counter_set_id = ANY($2::bigint[])
            """,
            [gateway, missing]
        )
        var found: [Int64: [CounterID]] = [:]
        for row in rows {
            found[try row.decode(0)] = try row.decode(1, as: [Int64].self).map { CounterID(rawValue: $0) }
        }
        let size = found.values.reduce(0) { $0 + $1.count }
        known.withLock { known in
            if known.counters + size > Self.remembered { (known.sets, known.counters) = ([:], 0) }
            known.sets.merge(found) { $1 }
            known.counters += size
        }
        sets.merge(found) { $1 }
        return sets
    }

    /// The names of counters of a gateway.
    func names(
        _ counters: Set<CounterID>, of gateway: Int64, on connection: PostgresConnection
    ) async throws -> [CounterID: String] {
        var names = known.withLock { known in
            counters.reduce(into: [CounterID: String](minimumCapacity: counters.count)) { $0[$1] = known.names[$1] }
        }
        guard names.count < counters.count else { return names }
        let missing = counters.filter { names[$0] == nil }.map(\.rawValue).sorted()
        let rows = try await connection.execute(
            "SELECT counter_id, name FROM counter WHERE gateway_id = $1 AND counter_id = ANY($2::bigint[])",
            [gateway, missing]
        )
        var found: [CounterID: String] = [:]
        for row in rows { found[CounterID(rawValue: try row.decode(0))] = try row.decode(1) }
        known.withLock { known in
            if known.names.count + found.count > Self.remembered { known.names = [:] }
            known.names.merge(found) { $1 }
        }
        names.merge(found) { $1 }
        return names
    }
}
