internal import CLibPQ

/// A statement's rows, held as the server sent them and decoded where they are read.
package struct PostgresRows: Sendable, RandomAccessCollection {
    let result: PostgresResult
    package let columns: [PostgresColumn]
    package let count: Int

    init(result: PostgresResult) {
        self.result = result
        count = Int(PQntuples(result.pointer))
        columns = (0..<PQnfields(result.pointer)).map { index in
            PostgresColumn(
                name: PQfname(result.pointer, index).map { String(cString: $0) } ?? "",
                type: PostgresType(rawValue: PQftype(result.pointer, index)))
        }
    }

    /// Rows inserted, updated, deleted or selected.
    package var affected: Int {
        Int(String(cString: PQcmdTuples(result.pointer))) ?? 0
    }

    /// What the server says it did: `SELECT 1`, `COMMIT`, `ROLLBACK`, …
    package var command: String {
        String(cString: PQcmdStatus(result.pointer))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(index: Int) -> PostgresRow {
        precondition(index >= 0 && index < count, "row \(index) of \(count)")
        return PostgresRow(rows: self, index: Int32(index))
    }
}

package struct PostgresColumn: Hashable, Sendable {
    package let name: String
    package let type: PostgresType
}

/// One row. It keeps its result alive.
package struct PostgresRow: Sendable {
    let rows: PostgresRows
    let index: Int32

    /// The value of a column by name.
    package func decode<Value: PostgresDecodable>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try decode(column(name), as: type)
    }

    /// The value of a column by place, from 0: for hot loops.
    package func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        do {
            if try isNull(column) { return try Value.decodeNull() }
            let memory = memory(of: column)
            return try Value.decode(memory.bytes, type: rows.columns[column].type)
        } catch let error as PostgresDecodingFailure {
            throw failure(error, column, as: type)
        } catch let error as PostgresError {
            throw error
        } catch {
            throw PostgresError(.decoding, "column \(column) can not be read", cause: error)
        }
    }

    package func isNull(_ column: Int) throws(PostgresError) -> Bool {
        guard rows.columns.indices.contains(column) else {
            throw PostgresError(.decoding, "there is no column \(column) in a row of \(rows.columns.count)")
        }
        return PQgetisnull(rows.result.pointer, index, Int32(column)) == 1
    }

    /// Reads a column's bytes (`bytea`, or any type's binary form) where they lie; `nil` for NULL.
    package func withBytes<Result>(
        _ column: Int, _ body: (RawSpan) throws -> Result
    ) throws -> Result? {
        if try isNull(column) { return nil }
        let memory = memory(of: column)
        return try withExtendedLifetime(rows) { try body(memory.bytes) }
    }

    /// The place of a column.
    package func column(_ name: String) throws(PostgresError) -> Int {
        guard let place = rows.columns.firstIndex(where: { $0.name == name }) else {
            let names = rows.columns.map(\.name).joined(separator: ", ")
            throw PostgresError(.decoding, "there is no column \"\(name)\"; there are: \(names)")
        }
        return place
    }

    /// The one place where a result's memory is read through a pointer: libpq keeps it until PQclear, and `rows` holds
    /// the result.
    private func memory(of column: Int) -> UnsafeRawBufferPointer {
        let pointer = rows.result.pointer
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, index, Int32(column)), count: Int(PQgetlength(pointer, index, Int32(column))))
    }

    private func failure(_ failure: PostgresDecodingFailure, _ column: Int, as type: Any.Type) -> PostgresError {
        let found = rows.columns[column]
        let reason =
            switch failure {
            case .null: "is NULL; decode it as an Optional"
            case .typeMismatch: "is of type \(found.type); cast it in the statement or decode another type"
            case .malformed: "holds bytes that are not a \(found.type)"
            }
        return PostgresError(.decoding, "column \"\(found.name)\", decoded as \(type), \(reason)")
    }
}
