import PostgreSQL
import Synchronization

/// Numbers of tenants and services by name. Those that were found committed are remembered; a name that a rule captured
/// first makes an unconfirmed tenant, which is remembered when another transaction finds it.
final class TenantNames: Sendable {
    /// Names remembered; above it they are forgotten and asked for again.
    private static let remembered = 500_000

    private struct Known {
        var tenants: [String: Int64] = [:]
        var services: [DerivedConsumption.Key: RecordKey] = [:]
    }

    private let known = Mutex(Known())

    /// The numbers of tenants' services, made where there are none.
    func keys(
        of names: [DerivedConsumption.Key], on connection: PostgresConnection
    ) async throws -> [DerivedConsumption.Key: RecordKey] {
        var keys = known.withLock { known in
            names.reduce(into: [DerivedConsumption.Key: RecordKey](minimumCapacity: names.count)) { found, name in
                found[name] = known.services[name]
            }
        }
        guard keys.count < names.count else { return keys }
        let new = names.filter { keys[$0] == nil }.sorted { ($0.tenant, $0.service) < ($1.tenant, $1.service) }
        let tenants = try await tenants(Array(Set(new.map(\.tenant))), on: connection)
        let found = try await services(new, tenants, on: connection)
        known.withLock { known in
            if known.services.count + found.count > Self.remembered { known.services = [:] }
            known.services.merge(found) { $1 }
        }
        keys.merge(found) { $1 }
        guard keys.count < names.count else { return keys }
        let missing = new.filter { keys[$0] == nil }
        _ = try await connection.execute(
            """
            INSERT INTO service (tenant_id, name)
            SELECT tenant_id, name FROM unnest($1::bigint[], $2::text[]) AS new (tenant_id, name)
            ORDER BY tenant_id, name ON CONFLICT DO NOTHING
            """,
            [missing.compactMap { tenants[$0.tenant] }, missing.map(\.service)]
        )
        keys.merge(try await services(missing, tenants, on: connection)) { $1 }
        return keys
    }

    /// The numbers of tenants, made where there are none.
    ///
    /// - Parameter remembers: false where this transaction may have made some of them, which are gone if it fails.
    func tenants(
        _ names: [String], remembers: Bool = true, on connection: PostgresConnection
    ) async throws -> [String: Int64] {
        var numbers = known.withLock { known in
            names.reduce(into: [String: Int64](minimumCapacity: names.count)) { $0[$1] = known.tenants[$1] }
        }
        guard numbers.count < names.count else { return numbers }
        let new = names.filter { numbers[$0] == nil }.sorted()
        let found = try await stored(new, on: connection)
        if remembers { remember(found) }
        numbers.merge(found) { $1 }
        guard numbers.count < names.count else { return numbers }
        let missing = new.filter { numbers[$0] == nil }
        _ = try await connection.execute(
            """
            INSERT INTO tenant (name) SELECT name FROM unnest($1::text[]) AS new (name)
            ORDER BY name ON CONFLICT DO NOTHING
            """,
            [missing]
        )
        numbers.merge(try await stored(missing, on: connection)) { $1 }
        return numbers
    }

    private func remember(_ found: [String: Int64]) {
        known.withLock { known in
            if known.tenants.count + found.count > Self.remembered { known.tenants = [:] }
            known.tenants.merge(found) { $1 }
        }
    }

    private func stored(_ names: [String], on connection: PostgresConnection) async throws -> [String: Int64] {
        let rows = try await connection.execute(
            "SELECT name, tenant_id FROM tenant WHERE name = ANY($1::text[])", [names])
        var numbers: [String: Int64] = [:]
        for row in rows { numbers[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        return numbers
    }

    private func services(
        _ names: [DerivedConsumption.Key], _ tenants: [String: Int64], on connection: PostgresConnection
    ) async throws -> [DerivedConsumption.Key: RecordKey] {
        let rows = try await connection.execute(
            """
            SELECT wanted.tenant, wanted.name, service.tenant_id, service.service_id
            FROM unnest($1::bigint[], $2::text[], $3::text[]) AS wanted (tenant_id, tenant, name)
            JOIN service ON service.tenant_id = wanted.tenant_id AND service.name = wanted.name
            """,
            [names.map { tenants[$0.tenant] ?? 0 }, names.map(\.tenant), names.map(\.service)]
        )
        var found: [DerivedConsumption.Key: RecordKey] = [:]
        for row in rows {
            found[DerivedConsumption.Key(tenant: try row.decode(0), service: try row.decode(1))] = RecordKey(
                tenant: try row.decode(2), service: try row.decode(3))
        }
        return found
    }
}
