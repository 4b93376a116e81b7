import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Finds the periods that are over and have no invoice.
struct DueReader {
    let connection: PostgresConnection
    let order: FinalizeOrder
    private(set) var failed: [FinalizeRun.Held] = []
    private var periods = PeriodTable()

    init(connection: PostgresConnection, order: FinalizeOrder) {
        self.connection = connection
        self.order = order
    }

    /// The oldest period without an invoice of each contract after a key, in the order of keys; and the last key that was
    /// looked at, nil at the end.
    mutating func next(
        after key: ContractKey, limit: Int, locking: Bool = false, only: [ContractKey]? = nil
    ) async throws -> (due: [DuePeriod], last: ContractKey?) {
        let rows =
            locking
            ? try await connection.execute(
                """
                SELECT contract.tenant_id, contract_id, tenant.name, price_book, pinned_version::text, currency, zone,
                    anchor_day, grace_hours, on_incomplete, series, starts_on::text, ends_on::text, seller, buyer
                FROM contract JOIN tenant USING (tenant_id)
                WHERE contract.tenant_id = ANY($1::bigint[])
                ORDER BY contract.tenant_id, contract_id FOR NO KEY UPDATE OF contract
                """,
                [(only ?? []).map(\.tenant)])
            : try await connection.execute(
                """
                SELECT contract.tenant_id, contract_id, tenant.name, price_book, pinned_version::text, currency, zone,
                    anchor_day, grace_hours, on_incomplete, series, starts_on::text, ends_on::text, seller, buyer
                FROM contract JOIN tenant USING (tenant_id)
                WHERE (contract.tenant_id, contract_id) > ($1, $2) AND ($4::uuid IS NULL OR contract_id = $4)
                ORDER BY contract.tenant_id, contract_id LIMIT $3
                """,
                [key.tenant, key.contract, Int64(limit), order.contract.flatMap { UUID(uuidString: $0) }])
        // All contracts of a tenant are locked with the one that is wanted: they draw on the same credits.
        let wanted = only.map { Set($0) }
        let contracts = try rows.map { row in
            (
                key: ContractKey(tenant: try row.decode(0), contract: try row.decode(1)),
                terms: try ContractTerms(row, at: 1)
            )
        }
        .filter { wanted?.contains($0.key) ?? true }
        let states = try await states(of: contracts.map(\.key))
        var due: [DuePeriod] = []
        for contract in contracts {
            do {
                let state = states[contract.key] ?? State()
                guard let period = try next(contract.terms, state) else { continue }
                due.append(
                    DuePeriod(
                        tenant: contract.key.tenant, terms: contract.terms, period: period,
                        invoiceID: state.drafts[period.startMicroseconds] ?? UUID.version7(order.now),
                        revision: (state.revisions[period.startMicroseconds] ?? 0) + 1))
            } catch {
                failed.append(
                    FinalizeRun.Held(
                        tenant: contract.terms.tenant, contract: contract.terms.id, month: "", reason: error.message))
            }
        }
        return (due, contracts.count < limit || locking ? nil : contracts.last?.key)
    }

    /// All periods without an invoice of one contract.
    mutating func all(of terms: ContractTerms, tenant: Int64) async throws -> [DuePeriod] {
        guard let id = UUID(uuidString: terms.id) else { return [] }
        let key = ContractKey(tenant: tenant, contract: id)
        let state = try await states(of: [key])[key] ?? State()
        return try periods.periods(of: terms, endedBy: order.now)
            .filter { !state.live.contains($0.startMicroseconds) }
            .map { period in
                DuePeriod(
                    tenant: tenant, terms: terms, period: period,
                    invoiceID: state.drafts[period.startMicroseconds] ?? UUID.version7(order.now),
                    revision: (state.revisions[period.startMicroseconds] ?? 0) + 1)
            }
    }

    private mutating func next(_ terms: ContractTerms, _ state: State) throws(PricingError) -> BillingPeriod? {
        for period in try periods.periods(of: terms, endedBy: order.now) {
            if state.live.contains(period.startMicroseconds) { continue }
            if let month = order.month, !period.startDate.description.hasPrefix(month) { continue }
            if let draft = order.draft, state.drafts[period.startMicroseconds]?.text != draft { continue }
            return period
        }
        return nil
    }

    /// What there is of a contract, by the start of the period.
    private struct State {
        var live: Set<Int64> = []
        var revisions: [Int64: Int] = [:]
        var drafts: [Int64: UUID] = [:]
    }

    private func states(of keys: [ContractKey]) async throws -> [ContractKey: State] {
        let rows = try await connection.execute(
            """
            SELECT invoice.tenant_id, invoice.contract_id, period_start, revision, NULL::uuid, EXISTS (
                SELECT FROM invoice_event AS void
                WHERE void.tenant_id = invoice.tenant_id AND void.invoice_id = invoice.invoice_id AND event = 'void'
            )
            FROM unnest($1::bigint[], $2::uuid[]) AS wanted (tenant_id, contract_id)
            JOIN invoice USING (tenant_id, contract_id)
            UNION ALL
            SELECT invoice_draft.tenant_id, invoice_draft.contract_id, period_start, revision, invoice_id, false
            FROM unnest($1::bigint[], $2::uuid[]) AS wanted (tenant_id, contract_id)
            JOIN invoice_draft USING (tenant_id, contract_id)
            """,
            [keys.map(\.tenant), keys.map(\.contract)])
        var states: [ContractKey: State] = [:]
        for row in rows {
            let key = ContractKey(tenant: try row.decode(0), contract: try row.decode(1))
            let start = try row.decode(2, as: PostgresTimestamp.self).microsecondsSince1970
            if let draft = try row.decode(4, as: UUID?.self) {
                states[key, default: State()].drafts[start] = draft
                continue
            }
            let revision = Int(try row.decode(3, as: Int32.self))
            states[key, default: State()].revisions[start] = max(revision, states[key]?.revisions[start] ?? 0)
            if try !row.decode(5, as: Bool.self) { states[key, default: State()].live.insert(start) }
        }
        return states
    }
}

/// The key of a contract.
struct ContractKey: Hashable, Sendable {
    var tenant: Int64
    var contract: UUID

    static let first = ContractKey(
        tenant: .min, contract: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
}
