/// Tapes, epochs and consumption records in PostgreSQL.
///
/// - `commit` stores what workers read, in one transaction a worker and interval (UsageStore+Commit.swift).
/// - `aggregate` derives consumption records from what changed (Aggregation.swift), and keeps their roll-ups.
/// - the queries answer for the layers above (UsageQueries.swift).
///
/// SQL stands here and in migrations/ alone; every statement is a constant with parameters.
package import Logging
package import Metering
package import PostgreSQL

package struct UsageStore: Sendable {
    package let pool: PostgresPool
    package let logger: Logger
    let partitions = PartitionCalendar()
    let meterVersionCache = MeterVersionCache()
    let silenceWatch = SilenceWatch()
    let counterDictionary = CounterDictionary()
    let tenantNames = TenantNames()

    package init(pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }
}

/// What can be wrong with what the store holds or is asked for.
package struct UsageStoreError: Error, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        package static let unknownTenant = Code("unknown_tenant")
        package static let unknownGateway = Code("unknown_gateway")
        package static let conflict = Code("conflict")
        package static let corrupt = Code("corrupt")
        /// An export that is to be counted once was counted before.
        package static let alreadyCounted = Code("already_counted")
        /// A range in the future, off the quarter hours, or the wrong way round.
        package static let invalidRange = Code("invalid_range")
        package static let unknownZone = Code("unknown_zone")
        /// Sums that have to be equal differ.
        package static let conservation = Code("conservation")
        /// What retention has dropped.
        package static let dropped = Code("dropped")
        /// A correction in force that the records can not bear.
        package static let correction = Code("correction")
    }

    package let code: Code
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

extension Timestamp {
    package var postgres: PostgresTimestamp { PostgresTimestamp(microsecondsSince1970: microseconds) }

    package init(_ timestamp: PostgresTimestamp) {
        self.init(microseconds: timestamp.microsecondsSince1970)
    }
}

extension PostgresRow {
    func timestamp(_ column: Int) throws(PostgresError) -> Timestamp {
        Timestamp(try decode(column, as: PostgresTimestamp.self))
    }

    func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? {
        try decode(column, as: PostgresTimestamp?.self).map { Timestamp($0) }
    }

    func quarterHour(_ column: Int) throws(PostgresError) -> QuarterHour {
        QuarterHour(containing: try timestamp(column))
    }

    func sourceKind(_ column: Int) throws -> SourceKind {
        let number = try decode(column, as: Int16.self)
        guard let kind = SourceKind(rawValue: number) else {
            throw UsageStoreError(.corrupt, "source kind \(number) is not known: the database is of a newer waybill")
        }
        return kind
    }
}

extension PostgresError {
    /// The database can not be reached or used just now: the same work is to be done again later.
    package var isOutage: Bool {
        isConnectionLost || isRetryable || [.connection, .commitUnknown, .timeout, .poolShutDown].contains(code)
    }
}
