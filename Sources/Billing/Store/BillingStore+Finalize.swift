import FoundationEssentials
import Metering
import PostgreSQL
import Pricing
import UsageStore

/// Finalizing: from open or draft to an invoice that never changes.
///
/// Contracts are taken in batches, one transaction each: they are locked in the order of their keys, their inputs are
/// read and frozen as copies, rated by the pure function and written; then the series is locked, which gives numbers
/// without a gap and chains the hashes. A statement that fails for the whole batch is tried again contract by contract,
/// with a savepoint each, so that one contract can not hold up the others.
extension BillingStore {
    /// Finalizes all periods that are due, oldest first. Safe to run twice at once, and after any pause.
    ///
    /// - Parameter progress: called after each batch with how many invoices there are so far.
    package func finalize(
        _ order: FinalizeOrder, progress: @Sendable (_ done: Int) -> Void = { _ in }
    ) async throws -> FinalizeRun {
        var run = FinalizeRun()
        var waiting: Set<ContractKey> = []
        // Each round takes the oldest period of each contract; contracts that are behind need more than one.
        while true {
            var rounds = FinalizeRun()
            var place: ContractKey? = .first
            while let key = place {
                let scan = try await pool.withConnection { connection in
                    var reader = DueReader(connection: connection, order: order)
                    let found = try await reader.next(after: key, limit: 5000)
                    return (found, reader.failed)
                }
                place = scan.0.last
                for failure in scan.1 where !run.failed.contains(failure) { rounds.failed.append(failure) }
                let due = scan.0.due.compactMap { due in
                    due.contractID.map { ContractKey(tenant: due.tenant, contract: $0) }
                }
                .filter { !waiting.contains($0) }
                let batches = stride(from: 0, to: due.count, by: order.batch)
                    .map { Array(due[$0..<min(due.count, $0 + order.batch)]) }
                try await finalize(batches, order) { done, held in
                    rounds.add(done)
                    waiting.formUnion(held)
                    progress(run.finalized.count + rounds.finalized.count)
                }
            }
            run.add(rounds)
            if rounds.finalized.isEmpty || order.draft != nil || order.month != nil { return run }
        }
    }

    /// Batches, some at once: while one waits for the database, another is rated.
    private func finalize(
        _ batches: [[ContractKey]], _ order: FinalizeOrder, done: (FinalizeRun, Set<ContractKey>) -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (FinalizeRun, Set<ContractKey>).self) { group in
            for (index, batch) in batches.enumerated() {
                if index >= order.finalizers, let (run, held) = try await group.next() { done(run, held) }
                group.addTask { try await finalize(batch, order) }
            }
            while let (run, held) = try await group.next() { done(run, held) }
        }
    }

    /// One batch; again where another transaction was in the way.
    private func finalize(
        _ keys: [ContractKey], _ order: FinalizeOrder
    ) async throws -> (FinalizeRun, held: Set<ContractKey>) {
        var attempts = 0
        while true {
            do {
                return try await transaction(by: order.by) { connection in
                    try await Finalizer(store: self, connection: connection, order: order).run(keys)
                }
            } catch let error as PostgresError where error.isRetryable && attempts < 5 && !error.isConnectionLost {
                attempts += 1
            }
        }
    }
}

/// One batch in its transaction.
private struct Finalizer {
    let store: BillingStore
    let connection: PostgresConnection
    let order: FinalizeOrder

    func run(_ keys: [ContractKey]) async throws -> (FinalizeRun, held: Set<ContractKey>) {
        var run = FinalizeRun()
        var held: Set<ContractKey> = []
        var reader = DueReader(connection: connection, order: order)
        // Of a tenant with two contracts one is taken: the other draws on what credits are left, in the next round.
        var tenants: Set<Int64> = []
        let due = try await reader.next(after: .first, limit: keys.count, locking: true, only: keys).due
            .filter { tenants.insert($0.tenant).inserted }
        var inputsReader = InputsReader(store: store, connection: connection, now: order.now, isPreview: false)
        inputsReader.allowsIncomplete = order.allowsIncomplete
        let inputs = try await inputsReader.read(due)
        var prepared: [PreparedInvoice] = []
        for (index, period) in due.enumerated() {
            do {
                prepared.append(
                    try PreparedInvoice(
                        period, try inputs[index].get(), late: inputsReader.late[index], now: order.now))
            } catch {
                if let id = period.contractID { held.insert(ContractKey(tenant: period.tenant, contract: id)) }
                let reason = (error as? InputsReader.Waiting)?.reason
                let entry = FinalizeRun.Held(
                    tenant: period.terms.tenant, contract: period.terms.id,
                    month: String(period.period.startDate.description.prefix(7)), reason: reason ?? "\(error)")
                if reason != nil { run.waiting.append(entry) } else { run.failed.append(entry) }
            }
        }
        guard !prepared.isEmpty else { return (run, held) }
        let writer = InvoiceWriter(connection: connection, order: order)
        do {
            try await inSavepoint { run.add(try await writer.write(prepared)) }
        } catch let error where Self.isOfOneContract(error) {
            for invoice in prepared {
                do {
                    try await inSavepoint { run.add(try await writer.write([invoice])) }
                } catch let error where Self.isOfOneContract(error) {
                    if let id = invoice.due.contractID {
                        held.insert(ContractKey(tenant: invoice.due.tenant, contract: id))
                    }
                    run.failed.append(
                        FinalizeRun.Held(
                            tenant: invoice.due.terms.tenant, contract: invoice.due.terms.id,
                            month: invoice.document.period.month, reason: "\(error)"))
                }
            }
        }
        return (run, held)
    }

    /// Another transaction in the way, or a lost connection, is everybody's.
    private static func isOfOneContract(_ error: any Error) -> Bool {
        if let error = error as? PostgresError { return !error.isConnectionLost && !error.isRetryable }
        return error is BillingError
    }

    private func inSavepoint(_ body: () async throws -> Void) async throws {
        _ = try await connection.execute("SAVEPOINT invoices")
        do {
            try await body()
        } catch {
            if (error as? PostgresError)?.isConnectionLost != true, !(error is CancellationError) {
                _ = try await connection.execute("ROLLBACK TO SAVEPOINT invoices")
            }
            throw error
        }
        _ = try await connection.execute("RELEASE SAVEPOINT invoices")
    }
}
