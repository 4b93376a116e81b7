/// What went wrong between Waybill and PostgreSQL.
package struct PostgresError: Error, Sendable {
    /// The kind of failure. Closed outside, extensible inside.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The database URL or a setting can not be used.
        package static let configuration = Code(description: "configuration")
        /// The connection could not be made, or was lost.
        package static let connection = Code(description: "connection")
        /// The server answered a statement with an error; `sqlState` says which.
        package static let server = Code(description: "server")
        /// All connections are in use and the queue for them is full.
        package static let poolExhausted = Code(description: "pool_exhausted")
        /// The pool is shut down.
        package static let poolShutDown = Code(description: "pool_shut_down")
        /// A statement, a connection attempt or the wait for a connection took too long.
        package static let timeout = Code(description: "timeout")
        /// A column's value does not fit the type that was asked for.
        package static let decoding = Code(description: "decoding")
        /// The connection was lost while COMMIT was under way: the transaction may or may not have been applied.
        package static let commitUnknown = Code(description: "commit_unknown")
        /// COMMIT was answered with ROLLBACK, because a statement of the transaction had failed.
        package static let transactionAborted = Code(description: "transaction_aborted")
        /// A migration file can not be applied.
        package static let migration = Code(description: "migration")
        /// The embedded server can not be made, started or joined.
        package static let embedded = Code(description: "embedded")
    }

    package var code: Code
    /// What was found and what to do, for a person.
    package var message: String
    /// The five characters of SQLSTATE, where the server sent them.
    package var sqlState: String?
    package var detail: String?
    package var hint: String?
    /// The constraint that a statement violated.
    package var constraint: String?
    /// Where in the statement the error is: a character position, from 1.
    package var position: Int?
    /// The routine of the server that raised the error: the same in all its languages.
    var serverRoutine: String?
    package var cause: (any Error)?
    /// The connection that met this error is of no more use.
    package var isConnectionLost: Bool

    package init(
        _ code: Code, _ message: String, sqlState: String? = nil, detail: String? = nil, hint: String? = nil,
        isConnectionLost: Bool = false, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
        self.hint = hint
        self.isConnectionLost = isConnectionLost
        self.cause = cause
    }

    /// The same work, begun anew, may succeed: nothing of it was applied, and the reason passes by itself.
    ///
    /// `.commitUnknown` is not retryable in this sense: the work may have been applied.
    package var isRetryable: Bool {
        if code == .commitUnknown || code == .poolShutDown { return false }
        if code == .poolExhausted || isConnectionLost || code == .connection && sqlState == nil { return true }
        guard let sqlState else { return false }
        return Self.passingStates.contains(sqlState) || sqlState.hasPrefix("08") || sqlState.hasPrefix("53")
    }

    /// Serialization failure, deadlock, lock not available, the server is starting or stopping, a lost prepared
    /// statement. Source: PostgreSQL manual, appendix A.
    private static let passingStates: Set<String> = [
        "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05", "26000",
    ]
}

extension PostgresError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if let detail { text += ". Detail: \(detail)" }
        if let hint { text += ". Hint: \(hint)" }
        if let cause { text += ". Cause: \(cause)" }
        return text
    }
}
