internal import CLibPQ

/// A statement with its values, to be sent with others.
package struct PostgresStatement: Sendable {
    let sql: StaticString
    let parameters: [any PostgresEncodable]

    package init(_ sql: StaticString, _ parameters: [any PostgresEncodable] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension PostgresConnection {
    /// Runs statements as one read-only transaction over one snapshot. All are sent at once, with BEGIN, the settings of
    /// ``TransactionScope`` and COMMIT: one round trip, whatever their number (libpq's pipeline mode).
    ///
    /// - Returns: the rows of each, in order.
    package func snapshot(_ statements: [PostgresStatement]) async throws -> [PostgresRows] {
        let parts = try statements.map { try SnapshotPart($0) }
        let settings = TransactionScope.settings.map(\.statement)
        return try await inTurn { connection in
            let known = parts.contains { connection.prepared[$0.key] != nil }
            do {
                return try await connection.runSnapshot(settings, parts)
            } catch let error as PostgresError where known && error.isStalePlan {
                // It only reads: it can be done again from its beginning.
                for part in parts { connection.prepared[part.key] = nil }
                return try await connection.runSnapshot(settings, parts)
            }
        }
    }

    private struct SnapshotPart: Sendable {
        let sql: StaticString
        let key: StatementKey
        let parameters: Parameters

        init(_ statement: PostgresStatement) throws {
            sql = statement.sql
            parameters = try Parameters(statement.parameters)
            key = StatementKey(sql, types: parameters.types)
        }
    }

    /// What an answer is of, in the order of sending.
    private enum Sent {
        case control
        case prepared(StatementKey, name: String)
        case rows
    }

    private func runSnapshot(_ settings: [String], _ parts: [SnapshotPart]) async throws -> [PostgresRows] {
        if let closure { throw closure }
        guard let handle else { throw PostgresError(.connection, "the connection is closed") }
        guard PQenterPipelineMode(handle.pointer) == 1 else { throw failure(handle) }
        guard let sent = send(settings, parts, on: handle), PQpipelineSync(handle.pointer) == 1 else {
            // Half of it may be in libpq's hands: the connection is of no more use.
            let error = failure(handle)
            loseConnection(error)
            throw error
        }
        try await flush(handle)
        let (rows, error) = try await answers(to: sent, on: handle)
        if PQstatus(handle.pointer) == CONNECTION_BAD || PQexitPipelineMode(handle.pointer) != 1 {
            var error = error
            error?.isConnectionLost = true
            loseConnection(error)
            throw closure ?? failure(handle)
        }
        guard let error else { return rows }
        if isInTransaction {
            do {
                try await roundTrip { PQsendQueryParams($0, "ROLLBACK", 0, nil, nil, nil, nil, 1) }
            } catch {
                close()
            }
        }
        throw error
    }

    /// Nil when libpq took one of them not.
    private func send(_ settings: [String], _ parts: [SnapshotPart], on handle: LibPQHandle) -> [Sent]? {
        var sent: [Sent] = []
        func control(_ sql: String) -> Bool {
            sent.append(.control)
            return PQsendQueryParams(handle.pointer, sql, 0, nil, nil, nil, nil, 1) == 1
        }
        guard control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") else { return nil }
        // Statements like these take less time than planning them: one over a table of many partitions is planned in
        // 0.3 ms and run in 0.05. (Citus makes a plan of several steps for its values alone.)
        let generic = """
            SELECT set_config('plan_cache_mode', 'force_generic_plan', true)
            WHERE current_setting('citus.version', true) IS NULL
            """
        guard control(generic) else { return nil }
        for setting in settings { guard control(setting) else { return nil } }
        var names: [StatementKey: String] = [:]
        for part in parts {
            let name: String
            if let known = prepared[part.key] ?? names[part.key] {
                name = known
            } else {
                preparedCount += 1
                name = "w\(preparedCount)"
                names[part.key] = name
                let types = part.key.types
                guard PQsendPrepare(handle.pointer, name, part.sql.description, Int32(types.count), types) == 1 else {
                    return nil
                }
                sent.append(.prepared(part.key, name: name))
            }
            let wasSent = part.parameters.withPointers { count, _, values, lengths, formats in
                PQsendQueryPrepared(handle.pointer, name, count, values, lengths, formats, 1)
            }
            guard wasSent == 1 else { return nil }
            sent.append(.rows)
        }
        return control("COMMIT") ? sent : nil
    }

    /// Reads up to the end of the pipeline. libpq ends each statement's answers with a NULL.
    private func answers(
        to sent: [Sent], on handle: LibPQHandle
    ) async throws(PostgresError) -> (rows: [PostgresRows], error: PostgresError?) {
        var rows: [PostgresRows] = []
        var error: PostgresError?
        var place = 0
        while true {
            while PQisBusy(handle.pointer) == 1, !inputHasEnded { try await readable() }
            guard let pointer = PQgetResult(handle.pointer) else {
                place += 1
                guard place <= sent.count, PQstatus(handle.pointer) != CONNECTION_BAD else { break }
                continue
            }
            let result = PostgresResult(pointer)
            switch result.status {
            case PGRES_PIPELINE_SYNC: return (rows, error)
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                switch sent.indices.contains(place) ? sent[place] : .control {
                case .control: break
                case .prepared(let key, let name): prepared[key] = name
                case .rows: rows.append(PostgresRows(result: result))
                }
            case PGRES_PIPELINE_ABORTED: break
            default: error = error ?? result.error
            }
        }
        return (rows, error)
    }
}

extension PostgresConnection {
    /// Runs a statement that was made elsewhere.
    @discardableResult
    package func execute(_ statement: PostgresStatement) async throws -> PostgresRows {
        try await execute(statement.sql, statement.parameters)
    }
}
