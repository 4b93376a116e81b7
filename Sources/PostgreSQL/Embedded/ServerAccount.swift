internal import Glibc

/// Who the server runs as. PostgreSQL refuses to run as root.
struct ServerAccount: Equatable {
    let user: uid_t
    let group: gid_t
    /// `nil` where the system knows no name for it.
    let name: String?

    var description: String { name ?? "user \(user)" }

    /// Ourselves, or, for root, `owner` of the cluster that is there, `postgres`, `nobody`.
    static func current(owner: uid_t?) throws -> ServerAccount {
        let own = geteuid()
        if own != 0 { return ServerAccount(user: own, group: getegid(), name: lookUp(user: own)?.name) }
        if let owner, owner != 0 {
            return lookUp(user: owner) ?? ServerAccount(user: owner, group: gid_t(owner), name: nil)
        }
        if let account = lookUp(name: "postgres") ?? lookUp(name: "nobody") { return account }
        throw PostgresError(
            .embedded,
            "PostgreSQL does not run as root, and there is neither a user \"postgres\" nor \"nobody\" to run it as; "
                + "make one, or run waybill as another user")
    }

    /// A command line that runs `arguments` as this account.
    func command(_ arguments: [String]) throws -> [String] {
        guard geteuid() == 0 else { return arguments }
        let places: [String] = ["/usr/bin/setpriv", "/bin/setpriv"]
        guard let setpriv = places.first(where: { access($0, X_OK) == 0 }) else {
            throw PostgresError(
                .embedded,
                "PostgreSQL does not run as root, and setpriv, which runs it as another user, was not found; "
                    + "on Debian: apt-get install util-linux")
        }
        return [setpriv, "--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--"] + arguments
    }

    /// Whether the account can pass through a directory and all above it. Asked of the system itself, which knows of
    /// access lists and mounts.
    func canEnter(_ directory: String) async throws -> Bool {
        guard geteuid() == 0 else { return true }
        return try await ChildProcess.run(try command(["/usr/bin/test", "-x", directory])).succeeded
    }

    private static func lookUp(name: String) -> ServerAccount? {
        look { getpwnam_r(name, $0, $1, $2, $3) }
    }

    private static func lookUp(user: uid_t) -> ServerAccount? {
        look { getpwuid_r(user, $0, $1, $2, $3) }
    }

    private static func look(
        _ call: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> ServerAccount? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var text = [CChar](repeating: 0, count: 16_384)
        return text.withUnsafeMutableBufferPointer { text in
            guard let memory = text.baseAddress, call(&entry, memory, text.count, &found) == 0, let found else {
                return nil
            }
            let account = found.pointee
            return ServerAccount(user: account.pw_uid, group: account.pw_gid, name: String(cString: account.pw_name))
        }
    }
}
