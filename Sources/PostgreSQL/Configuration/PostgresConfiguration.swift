internal import CLibPQ

/// Where a database is and how to speak with it.
///
/// Whatever is not given comes from libpq's environment (`PGHOST`, `PGUSER`, `PGPASSFILE`, …).
package struct PostgresConfiguration: Sendable {
    /// libpq connection parameters by keyword (`host`, `dbname`, `sslmode`, …).
    package var parameters: [String: String]
    /// Shown in `pg_stat_activity`.
    package var applicationName = "waybill"
    /// For one attempt to connect.
    package var connectTimeout: Duration = .seconds(10)
    /// The server ends a statement that takes longer. Should the server not answer at all, the connection is given up
    /// `answerGrace` later. `nil`: no limit.
    package var statementTimeout: Duration? = .seconds(30)
    /// How much longer than `statementTimeout` an answer is waited for, and how long for that of a cancelled statement.
    package var answerGrace: Duration = .seconds(10)
    /// Data sent and unacknowledged for so long ends the connection.
    package var tcpUserTimeout: Duration = .seconds(30)
    /// An idle connection is probed after this time, then every third of it, three times.
    package var keepaliveIdle: Duration = .seconds(30)

    /// - Parameter url: `postgresql://user@host:port/database?sslmode=verify-full` or `host=… dbname=…`.
    package init(url: String) throws {
        var failure: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &failure) else {
            defer { PQfreemem(failure) }
            // libpq repeats parts of what it could not read, and such a part may be a password.
            let reason =
                url.contains("@") || url.contains("password") ? nil : failure.map { String(cString: $0).trimmed }
            throw PostgresError(
                .configuration,
                "the database URL can not be read; expected postgresql://user@host:port/database?key=value "
                    + "or host=… port=… dbname=… user=…", detail: reason)
        }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.parameters = parameters
        if let name = parameters["application_name"] { applicationName = name }
    }

    /// A server's unix socket.
    package init(socketDirectory: String, port: Int = 5432, user: String, database: String) {
        parameters = ["host": socketDirectory, "port": String(port), "user": user, "dbname": database]
    }

    /// Lets every connection work with the rights of a role that its user is a member of.
    ///
    /// - Parameter role: a plain identifier.
    package mutating func assume(role: String) {
        parameters["options"] = [parameters["options"], "-c role=\(role)"].compactMap(\.self).joined(separator: " ")
    }

    /// The URL itself holds a secret, so it must not have come from a command line.
    package var containsPassword: Bool {
        parameters["password"] != nil || parameters["sslpassword"] != nil
    }

    /// All parameters as they go to libpq.
    var connectionParameters: [String: String] {
        let idle = max(1, keepaliveIdle.components.seconds)
        let defaults = [
            "connect_timeout": String(max(2, connectTimeout.components.seconds)),
            "tcp_user_timeout": String(tcpUserTimeout.milliseconds),
            "keepalives": "1",
            "keepalives_idle": String(idle),
            "keepalives_interval": String(max(1, idle / 3)),
            "keepalives_count": "3",
        ]
        var all = parameters.merging(defaults) { given, _ in given }
        all["application_name"] = applicationName
        all["client_encoding"] = "UTF8"
        return all
    }
}

extension PostgresConfiguration: CustomStringConvertible {
    /// Host, port, user and database; never a password.
    package var description: String {
        let shown = ["host", "hostaddr", "port", "user", "dbname", "service"].compactMap { key in
            parameters[key].map { "\(key)=\($0)" }
        }
        return shown.isEmpty ? "the database of the PG… environment variables" : shown.joined(separator: " ")
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

extension StringProtocol {
    /// Without spaces and line ends on either side.
    var trimmed: String {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        return String(rest)
    }
}
