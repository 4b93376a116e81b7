internal import CLibPQ

/// Owns a `PGresult`.
///
/// `@unchecked Sendable`: a result does not change after it was received.
final class PostgresResult: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    private func field(_ code: Character) -> String? {
        guard let ascii = code.asciiValue, let text = PQresultErrorField(pointer, Int32(ascii)) else { return nil }
        return String(cString: text)
    }

    /// The server's error. Field letters: PostgreSQL manual, "Error and Notice Message Fields".
    var error: PostgresError {
        let sqlState = field("C")
        let message = field("M") ?? String(cString: PQresultErrorMessage(pointer)).trimmed
        var code = PostgresError.Code.server
        if sqlState == nil { code = .connection }
        // 57014 is also what pg_cancel_backend gives; only the text tells them apart.
        if sqlState == "57014", !message.contains("user request") { code = .timeout }
        var error = PostgresError(code, message, sqlState: sqlState, detail: field("D"), hint: field("H"))
        error.constraint = field("n")
        error.position = field("P").flatMap { Int($0) }
        error.serverRoutine = field("R")
        return error
    }
}

/// What the words of a refused connection stand for. libpq 15 gives no SQLSTATE here, but some refusals pass by
/// themselves and others never do.
enum ConnectionRefusal {
    static func sqlState(of text: String) -> String? {
        // Source: PostgreSQL, src/backend/postmaster/postmaster.c, src/backend/utils/init/postinit.c, libpq/auth.c.
        let states: [(String, String)] = [
            ("the database system is", "57P03"), ("too many clients", "53300"), ("remaining connection slots", "53300"),
            ("too many connections for", "53300"), ("password authentication failed", "28P01"),
            ("no password supplied", "28P01"), ("no pg_hba.conf entry", "28000"),
            ("authentication failed", "28000"),
        ]
        if let known = states.first(where: { text.contains($0.0) }) { return known.1 }
        if text.contains("role \"") && text.contains("does not exist") { return "28000" }
        if text.contains("database \"") && text.contains("does not exist") { return "3D000" }
        return nil
    }
}
