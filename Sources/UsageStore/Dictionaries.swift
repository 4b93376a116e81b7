import Metering
import PostgreSQL

/// Numbers for names: gateways, instances, collect versions, counters and counter sets.
///
/// They are written outside the commit's transaction: a name that is stored twice or in vain does no harm, and a
/// commit that has to be repeated finds them there.
struct Dictionaries {
    let connection: PostgresConnection

    /// Completes what is not yet numbered of a stream.
    func number(_ commit: inout StreamCommit) async throws {
        let tape = commit.tape
        let gateway: Int64
        if let known = commit.stored.gateway {
            gateway = known
        } else {
            gateway = try await self.gateway(commit.identity.gateway)
        }
        commit.stored.gateway = gateway
        if commit.stored.instance == nil {
            commit.stored.instance = try await instance(commit.identity.instance, of: gateway)
        }
        if commit.stored.collectVersion == nil {
            commit.stored.collectVersion = try await collectVersion(tape.collect.canonicalText)
        }
        if commit.stored.counters.count < tape.counterNames.count || commit.stored.counterSet == 0 {
            let new = tape.counterNames[commit.stored.counters.count...]
            commit.stored.counters += try await counters(Array(new), of: gateway)
            commit.stored.counterSet = try await counterSet(commit.stored.counters, of: gateway)
        }
        if commit.stored.gauges.count < tape.gaugeNames.count || commit.stored.gaugeSet == 0 {
            let new = tape.gaugeNames[commit.stored.gauges.count...]
            commit.stored.gauges += try await counters(Array(new), of: gateway)
            commit.stored.gaugeSet = try await counterSet(commit.stored.gauges, of: gateway)
        }
    }

    func gateway(_ name: String) async throws -> Int64 {
        let known = try await connection.execute("SELECT gateway_id FROM gateway WHERE name = $1", [name])
        if let row = known.first { return try row.decode(0) }
        _ = try await connection.execute(
            """
            INSERT INTO gateway (name, metering_since) SELECT $1, made_at FROM metering_start ON CONFLICT DO NOTHING
            """,
            [name]
        )
        return try await one(connection.execute("SELECT gateway_id FROM gateway WHERE name = $1", [name]))
    }

    private func instance(_ name: String, of gateway: Int64) async throws -> Int64 {
        _ = try await connection.execute(
            """
            INSERT INTO instance (gateway_id, name) SELECT $1, $2
            WHERE NOT EXISTS (SELECT FROM instance WHERE gateway_id = $1 AND name = $2) ON CONFLICT DO NOTHING
            """,
            [gateway, name]
        )
        return try await one(
            connection.execute("SELECT instance_id FROM instance WHERE gateway_id = $1 AND name = $2", [gateway, name])
        )
    }

    private func collectVersion(_ patterns: String) async throws -> Int64 {
        _ = try await connection.execute(
            """
            INSERT INTO collect_version (patterns) SELECT $1
            WHERE NOT EXISTS (SELECT FROM collect_version WHERE md5(patterns) = md5($1)) ON CONFLICT DO NOTHING
            """,
            [patterns]
        )
        return try await one(
            connection.execute(
                "SELECT collect_version_id FROM collect_version WHERE md5(patterns) = md5($1)", [patterns])
        )
    }

    private func counters(_ names: [String], of gateway: Int64) async throws -> [CounterID] {
        guard !names.isEmpty else { return [] }
        // In one order everywhere, so that two workers that meet new names together do not wait for each other.
        _ = try await connection.execute(
            """
            INSERT INTO counter (gateway_id, name)
            SELECT $1, name FROM unnest($2::text[]) AS new (name)
            WHERE NOT EXISTS (SELECT FROM counter WHERE gateway_id = $1 AND counter.name = new.name)
            ORDER BY name ON CONFLICT DO NOTHING
            """,
            [gateway, names]
        )
        let rows = try await connection.execute(
            "SELECT name, counter_id FROM counter WHERE gateway_id = $1 AND name = ANY($2::text[])", [gateway, names])
        var numbers: [String: Int64] = [:]
        for row in rows { numbers[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        return try names.map { name in
            guard let number = numbers[name] else {
                throw UsageStoreError(.corrupt, "the name \(name) was stored but is not in the dictionary")
            }
            return CounterID(rawValue: number)
        }
    }

    private func counterSet(_ counters: [CounterID], of gateway: Int64) async throws -> Int64 {
        let numbers = counters.map(\.rawValue)
        _ = try await connection.execute(
            """
            INSERT INTO counter_set (gateway_id, digest, counters)
            SELECT $1, sha256(convert_to($2::bigint[]::text, 'UTF8')), $2::bigint[]
            WHERE NOT EXISTS (
                SELECT FROM counter_set
                WHERE gateway_id = $1 AND digest = sha256(convert_to($2::bigint[]::text, 'UTF8'))
            )
            ON CONFLICT DO NOTHING
            """,
            [gateway, numbers]
        )
        return try await one(
            connection.execute(
                """
                SELECT counter_set_id FROM counter_set
                WHERE gateway_id = $1 AND digest = sha256(convert_to($2::bigint[]::text, 'UTF8'))
                """,
                [gateway, numbers]
            )
        )
    }

    private func one(_ rows: PostgresRows) throws -> Int64 {
        guard let row = rows.first else {
            throw UsageStoreError(.corrupt, "a name that was just stored is not in the dictionary")
        }
        return try row.decode(0)
    }
}
