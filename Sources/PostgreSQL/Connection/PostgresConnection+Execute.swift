internal import CLibPQ

/// A prepared statement belongs to a text and the types of its parameters.
struct StatementKey: Hashable {
    /// Where the literal stands in the program: as good as its text, and quicker to hash.
    let address: Int
    let length: Int
    let types: [UInt32]

    init(_ sql: StaticString, types: [UInt32]) {
        address = sql.address
        length = sql.utf8CodeUnitCount
        self.types = types
    }
}

extension PostgresConnection {
    /// Runs a statement, which is prepared when it is first met on this connection.
    ///
    /// - Throws: `PostgresError`; `CancellationError` when the task was cancelled.
    @discardableResult
    package func execute(
        _ sql: StaticString, _ parameters: [any PostgresEncodable] = []
    ) async throws -> PostgresRows {
        let encoded = try Parameters(parameters)
        let key = StatementKey(sql, types: encoded.types)
        return try await inTurn { connection in
            let isKnown = connection.prepared[key] != nil
            do {
                return try await connection.runPrepared(sql, key, encoded)
            } catch let error as PostgresError where isKnown && error.isStalePlan {
                connection.prepared[key] = nil
                // Inside a transaction the error has aborted it: only the whole transaction can be tried again.
                guard !connection.isInTransaction else { throw error }
                return try await connection.runPrepared(sql, key, encoded)
            }
        }
    }

    /// Runs a text once, without keeping it prepared: for migration files and for names that can not be parameters.
    ///
    /// Only one statement; values belong in `parameters`, never in the text.
    @discardableResult
    package func executeOnce(
        _ sql: String, _ parameters: [any PostgresEncodable] = []
    ) async throws -> PostgresRows {
        let encoded = try Parameters(parameters)
        return try await inTurn { connection in
            try await connection.roundTrip { pointer in
                encoded.withPointers { count, types, values, lengths, formats in
                    PQsendQueryParams(pointer, sql, count, types, values, lengths, formats, 1)
                }
            }
        }
    }

    private func runPrepared(
        _ sql: StaticString, _ key: StatementKey, _ parameters: Parameters
    ) async throws -> PostgresRows {
        let name: String
        if let known = prepared[key] {
            name = known
        } else {
            preparedCount += 1
            name = "w\(preparedCount)"
            let text = sql.description
            let types = key.types
            try await roundTrip { PQsendPrepare($0, name, text, Int32(types.count), types) }
            prepared[key] = name
        }
        let send = parameters.withPointers { count, _, values, lengths, formats in
            handle.map { PQsendQueryPrepared($0.pointer, name, count, values, lengths, formats, 1) }
        }
        return try await receive(sent: send)
    }

    @discardableResult
    func roundTrip(_ send: (OpaquePointer) -> Int32) async throws(PostgresError) -> PostgresRows {
        try await receive(sent: handle.map { send($0.pointer) })
    }

    /// Flushes what libpq holds and collects the answer.
    private func receive(sent: Int32?) async throws(PostgresError) -> PostgresRows {
        if let closure { throw closure }
        guard let handle, let sent else { throw PostgresError(.connection, "the connection is closed") }
        guard sent == 1 else { throw failure(handle) }
        try await flush(handle)
        var answer: PostgresResult?
        var error: PostgresError?
        while true {
            while PQisBusy(handle.pointer) == 1, !inputHasEnded { try await readable() }
            guard let pointer = PQgetResult(handle.pointer) else { break }
            let result = PostgresResult(pointer)
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: answer = result
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                let refusal = PostgresError(
                    .configuration, "COPY FROM STDIN and COPY TO STDOUT are not supported here", isConnectionLost: true)
                loseConnection(refusal)
                throw refusal
            default: error = error ?? result.error
            }
        }
        if PQstatus(handle.pointer) == CONNECTION_BAD {
            error?.isConnectionLost = true
            loseConnection(error)
            throw closure ?? failure(handle)
        }
        if let error { throw error }
        guard let answer else { throw failure(handle) }
        return PostgresRows(result: answer)
    }

    /// Writes what libpq holds to the socket.
    func flush(_ handle: LibPQHandle) async throws(PostgresError) {
        while true {
            let rest = PQflush(handle.pointer)
            if rest == 0 { return }
            guard rest == 1 else { throw failure(handle) }
            try await writable()
        }
    }

    /// libpq refused to send or to go on.
    func failure(_ handle: LibPQHandle) -> PostgresError {
        if PQstatus(handle.pointer) == CONNECTION_BAD {
            loseConnection()
            if let closure { return closure }
        }
        return PostgresError(.connection, "libpq: \(handle.errorMessage)")
    }
}

extension StaticString {
    fileprivate var address: Int {
        hasPointerRepresentation ? Int(bitPattern: utf8Start) : Int(unicodeScalar.value)
    }
}

extension PostgresError {
    /// The server no longer knows the prepared statement, or the tables under it have changed.
    var isStalePlan: Bool {
        sqlState == "26000" || sqlState == "0A000" && serverRoutine == "RevalidateCachedQuery"
    }
}
