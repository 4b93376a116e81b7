package import Logging
package import PostgreSQL

/// What billing keeps in PostgreSQL. SQL of price books, contracts and invoices stands in this folder and in
/// migrations/ alone; every statement is a constant with parameters.
///
/// - price books: BillingStore+PriceBooks.swift
package struct BillingStore: Sendable {
    package let pool: PostgresPool
    package let logger: Logger

    package init(pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }
}
