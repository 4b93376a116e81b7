package import Metering
import PostgreSQL

/// How complete the count of a gateway was in a period that has ended.
package struct GatewayCoverage: Hashable, Sendable {
    package var gateway: String
    package var coverage: Coverage
}

extension UsageStore {
    /// The coverage of each gateway that was expected to report in a period.
    package func coverage(from start: Timestamp, to end: Timestamp) async throws -> [GatewayCoverage] {
        try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let gateways = try await connection.execute("SELECT gateway_id, name FROM gateway ORDER BY name")
            var found: [GatewayCoverage] = []
            for gateway in gateways {
                let reader = CoverageReader(of: [try gateway.decode(0, as: Int64.self)], from: start, to: end)
                let lives = try await connection.execute(reader.lives).map { try Coverage.Life($0) }
                let coverage = Coverage(lives: lives, from: start, to: end, asOf: end)
                guard coverage.expected > 0 else { continue }
                found.append(GatewayCoverage(gateway: try gateway.decode(1), coverage: coverage))
            }
            return found
        }
    }
}
