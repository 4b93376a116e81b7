/// What a transaction may see of others. Source: PostgreSQL manual, "Transaction Isolation".
package enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

extension PostgresConnection {
    /// Runs `body` between BEGIN and COMMIT. Its error rolls back and is thrown on. ``TransactionScope`` may add to it.
    ///
    /// - Throws: `.commitUnknown` when the connection was lost while COMMIT was under way; `.transactionAborted` when
    ///   `body` caught the error of a statement, which leaves nothing to commit.
    nonisolated(nonsending) package func transaction<Result>(
        _ isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false,
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await executeOnce("BEGIN ISOLATION LEVEL \(isolation.rawValue)\(readOnly ? " READ ONLY" : "")")
        let result: Result
        do {
            for setting in TransactionScope.settings { try await executeOnce(setting.statement) }
            result = try await body(self)
            if !readOnly { try await TransactionScope.beforeCommit?(self) }
            try Task.checkCancellation()
        } catch {
            await rollBack()
            throw error
        }
        try await commit()
        return result
    }

    /// A task of its own: a COMMIT is not cancelled half-way.
    private func commit() async throws {
        if let closure { throw closure }
        switch await Task(operation: { try await self.executeOnce("COMMIT") }).result {
        case .success(let answer):
            guard answer.command == "COMMIT" else {
                throw PostgresError(
                    .transactionAborted,
                    "the transaction was rolled back at COMMIT, because one of its statements had failed")
            }
        case .failure(let error as PostgresError) where error.isConnectionLost:
            throw PostgresError(
                .commitUnknown,
                "the connection to PostgreSQL was lost during COMMIT: the transaction may or may not be applied",
                sqlState: error.sqlState, isConnectionLost: true, cause: error)
        case .failure(let error):
            await rollBack()
            throw error
        }
    }

    /// A task of its own: a cancelled task must roll back too. A connection that can not is of no more use.
    private func rollBack() async {
        guard !isClosed, isInTransaction else { return }
        let end = await Task { try await self.executeOnce("ROLLBACK") }.result
        if case .failure = end { close() }
    }
}
