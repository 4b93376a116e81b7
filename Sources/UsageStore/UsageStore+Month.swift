package import Metering
import PostgreSQL

extension UsageStore {
    /// A tenant's usage of a period, with its coverage. Read from roll-ups, where the period's bounds are those of hours,
    /// or of days or months of a zone that is kept for the tenant: then all of it is one round trip to the database.
    ///
    /// - Parameters:
    ///   - month: how the period is called, `2026-11`; `zone`: the IANA zone it was made in, which days are made in too.
    ///   - asOf: the instant up to which usage is expected; nil for now, by the database's clock.
    /// - Throws: `UsageStoreError` with `unknownTenant` or `unknownZone`.
    package func monthlyUsage(
        tenant: String, month: String, zone: String, from start: Timestamp, to end: Timestamp, asOf: Timestamp? = nil,
        groupBy: Set<UsageGrouping> = []
    ) async throws -> MonthlyUsage {
        try await readMonth(
            tenant: tenant, month: month, zone: zone, from: start, to: end, groupBy: groupBy, asOf: { asOf ?? $0 }
        ).usage
    }

    /// A month up to ``steadyEnd(of:now:)``, with the state of the database that it was read in. In the same state, and
    /// with the same end, it is the same to the last byte.
    package func steadyMonth(
        tenant: String, month: String, zone: String, from start: Timestamp, to end: Timestamp,
        groupBy: Set<UsageGrouping> = []
    ) async throws -> (usage: MonthlyUsage, state: DatabaseState?, asOf: Timestamp) {
        try await readMonth(tenant: tenant, month: month, zone: zone, from: start, to: end, groupBy: groupBy) {
            Self.steadyEnd(of: end, now: $0)
        }
    }

    /// Up to when usage of a period is expected, where answers are to stay the same while nothing happens: the period's
    /// end, or the last whole minute of one that runs.
    package static func steadyEnd(of end: Timestamp, now: Timestamp) -> Timestamp {
        min(end, Timestamp(microseconds: now.microseconds - now.microseconds % 60_000_000))
    }

    private func readMonth(
        tenant: String, month: String, zone: String, from start: Timestamp, to end: Timestamp,
        groupBy: Set<UsageGrouping>, asOf: (_ now: Timestamp) -> Timestamp
    ) async throws -> (usage: MonthlyUsage, state: DatabaseState?, asOf: Timestamp) {
        _ = try Self.checkedZone(zone)
        let windows = try UsageWindows(grouping: groupBy, zone: zone, from: start, to: end)
        // Which zones the tenant is rolled up in is read with the rest. Where it is not as supposed, all is read again.
        var zones: Set = [RollUpCalendar.utc, zone]
        while true {
            let connections = pool.connectionsMade
            let reading = try MonthReading(
                tenant: tenant, zones: zones, zone: zone, from: start, to: end, windows: windows, groupBy: groupBy)
            let (answers, known) = try await read(reading)
            guard try reading.holds(in: known.zones) else {
                zones = known.zones
                continue
            }
            let asOf = asOf(known.now)
            let usage = MonthlyUsage(
                tenant: tenant,
                period: MonthlyUsage.Period(
                    month: month, zone: zone, start: start.description, end: end.description, asOf: asOf.description),
                dimensions: try answers[0].first.flatMap { try $0.isNull(3) ? nil : try Quantities($0, from: 3) }
                    ?? Quantities(),
                coverage: MonthlyUsage.CoverageReport(
                    Coverage(
                        lives: try answers[1].map { try Coverage.Life($0) }, from: start, to: end, asOf: asOf),
                    gaps: try answers[2].map { try MonthlyUsage.GapReport($0) }),
                groups: groupBy.isEmpty
                    ? []
                    : try answers[3].map { row in
                        let group = try UsageSource.Sum(row)
                        return MonthlyUsage.Group(
                            service: group.service, gateway: group.gateway, day: windows.day(group.window),
                            hour: windows.hour(group.window), dimensions: group.quantities)
                    }
            )
            let state = try answers.last?.first.flatMap { try DatabaseState($0, connections: connections) }
            return (usage, state, asOf)
        }
    }

    private func read(_ reading: MonthReading) async throws -> (answers: [PostgresRows], known: KnownTenant) {
        let answers: [PostgresRows]
        if reading.namesItsGateways {
            answers = try await pool.snapshot(reading.statements([]))
        } else {
            answers = try await pool.transaction(.repeatableRead, readOnly: true) { connection in
                let gateways = try await connection.execute(reading.gateways).map { try $0.decode(0, as: Int64.self) }
                var answers: [PostgresRows] = []
                for statement in reading.statements(gateways) {
                    answers.append(try await connection.execute(statement))
                }
                return answers
            }
        }
        guard let row = answers[0].first else {
            throw try await pool.withConnection { try await KnownTenant.unknown(reading.tenant, on: $0) }
        }
        return (answers, try KnownTenant(row))
    }
}

/// The statements behind a month, under a supposition of the zones that the tenant is rolled up in.
private struct MonthReading: Sendable {
    let tenant: String
    private let zone: String
    private let start: Timestamp
    private let end: Timestamp
    private let windows: UsageWindows
    private let groupBy: Set<UsageGrouping>
    private let whole: UsageSource
    private let parts: UsageSource

    init(
        tenant: String, zones: Set<String>, zone: String, from start: Timestamp, to end: Timestamp,
        windows: UsageWindows, groupBy: Set<UsageGrouping>
    ) throws {
        self.tenant = tenant
        self.zone = zone
        self.start = start
        self.end = end
        self.windows = windows
        self.groupBy = groupBy
        whole = try UsageSource(tenant: tenant, zones: zones, zone: zone, start: start, end: end, windows: [start])
        parts =
            groupBy.isEmpty
            ? whole
            : try UsageSource(
                tenant: tenant, zones: zones, zone: zone, start: start, end: end, windows: windows.starts)
    }

    /// Whether the same statements would be made for these zones.
    func holds(in zones: Set<String>) throws -> Bool {
        if zones.contains(zone) { return true }
        let other = try MonthReading(
            tenant: tenant, zones: zones, zone: zone, from: start, to: end, windows: windows, groupBy: groupBy)
        return other.whole == whole && other.parts == parts
    }

    /// Whether the tenant's gateways can be found by the statements that need them.
    var namesItsGateways: Bool { whole.records != .quarterHours }
    var gateways: PostgresStatement { whole.gateways }

    /// The tenant with its sum, the lives and the gaps of its gateways, its sums by group where there are groups, and the
    /// state of the database.
    func statements(_ gateways: [Int64]) -> [PostgresStatement] {
        let observed = CoverageReader(of: gateways, and: whole, from: start, to: end)
        var statements = [whole.total, observed.lives, observed.gaps]
        if !groupBy.isEmpty {
            statements.append(
                parts.quantities(
                    byService: groupBy.contains(.service), byGateway: groupBy.contains(.gateway),
                    windows: windows.starts))
        }
        return statements + [DatabaseState.statement]
    }
}
