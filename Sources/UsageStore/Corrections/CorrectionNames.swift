import Metering
import PostgreSQL

/// Numbers for the names in a batch's rows. A service is made where it is not known; a tenant or gateway only when that
/// is allowed, for a misspelt one would bill somebody that does not exist.
struct CorrectionNames {
    let connection: PostgresConnection
    let file: String
    let allowsNew: Bool

    struct Numbers {
        var tenant: Int64
        var gateway: Int64
        var service: Int64
    }

    /// In the order of the rows.
    func number(_ rows: [BackfillRow]) async throws -> [Numbers] {
        let tenantNames = Set(rows.map(\.tenant)).sorted()
        let gatewayNames = Set(rows.map(\.gateway)).sorted()
        if allowsNew {
            _ = try await connection.execute(
                """
                INSERT INTO tenant (name) SELECT name FROM unnest($1::text[]) AS new (name)
                ORDER BY name ON CONFLICT DO NOTHING
                """,
                [tenantNames]
            )
            let dictionaries = Dictionaries(connection: connection)
            for name in gatewayNames { _ = try await dictionaries.gateway(name) }
        }
        let tenants = try await numbers(
            connection.execute("SELECT name, tenant_id FROM tenant WHERE name = ANY($1::text[])", [tenantNames]))
        let gateways = try await numbers(
            connection.execute("SELECT name, gateway_id FROM gateway WHERE name = ANY($1::text[])", [gatewayNames]))
        try refuseUnknown(rows, tenants, gateways)
        let owners = rows.map { tenants[$0.tenant] ?? 0 }
        let services = rows.map(\.service)
        _ = try await connection.execute(
            """
            INSERT INTO service (tenant_id, name)
            SELECT DISTINCT tenant_id, name FROM unnest($1::bigint[], $2::text[]) AS new (tenant_id, name)
            ORDER BY tenant_id, name ON CONFLICT DO NOTHING
            """,
            [owners, services]
        )
        let found = try await connection.execute(
            "SELECT tenant_id, name, service_id FROM service WHERE tenant_id = ANY($1::bigint[])", [owners])
        var serviceNumbers: [Int64: [String: Int64]] = [:]
        for row in found {
            serviceNumbers[try row.decode(0), default: [:]][try row.decode(1)] = try row.decode(2, as: Int64.self)
        }
        return try rows.indices.map { index in
            guard let gateway = gateways[rows[index].gateway],
                let service = serviceNumbers[owners[index]]?[services[index]]
            else { throw UsageStoreError(.corrupt, "a name that was just stored is not there") }
            return Numbers(tenant: owners[index], gateway: gateway, service: service)
        }
    }

    private func numbers(_ rows: PostgresRows) throws -> [String: Int64] {
        var numbers: [String: Int64] = [:]
        for row in rows { numbers[try row.decode(0)] = try row.decode(1, as: Int64.self) }
        return numbers
    }

    private func refuseUnknown(
        _ rows: [BackfillRow], _ tenants: [String: Int64], _ gateways: [String: Int64]
    ) throws {
        var problems: [String] = []
        for row in rows {
            let place = row.line > 0 ? "\(file):\(row.line)" : file
            if tenants[row.tenant] == nil { problems.append("\(place): tenant: there is no tenant \(row.tenant)") }
            if gateways[row.gateway] == nil { problems.append("\(place): gateway: there is no gateway \(row.gateway)") }
        }
        guard !problems.isEmpty else { return }
        let more = problems.count > 20 ? "\nand \(problems.count - 20) more" : ""
        throw CorrectionRefusal(
            .rows,
            problems.prefix(20).joined(separator: "\n") + more
                + "\nnothing was taken; mend the names, or allow new ones with --allow-new")
    }
}
