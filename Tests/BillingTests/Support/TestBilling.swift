import Billing
import PostgreSQL
import TestSupport

/// A billing store in a database of its own, which is dropped when `body` ends.
func withBilling(connections: Int = 4, _ body: (BillingStore) async throws -> Void) async throws {
    try await TestServer.withDatabase { configuration in
        let logger = TestServer.logger
        let pool = PostgresPool(configuration, limits: PostgresPool.Limits(size: connections), logger: logger)
        do {
            _ = try await Migrations(directory: Shipped.path("migrations")).run(on: configuration, logger: logger)
            try await body(BillingStore(pool: pool, logger: logger))
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }
}
