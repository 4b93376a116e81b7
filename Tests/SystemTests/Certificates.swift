import Foundation

/// Certificates of an authority of the test's own: `NAME.pem` and `NAME.key`, the authority's as `ca`.
struct Certificates {
    let folder: String

    /// - Parameter subjects: by file name, the common name; that of a server is its address.
    static func make(_ subjects: KeyValuePairs<String, String>, in folder: String) async throws -> Certificates {
        let certificates = Certificates(folder: folder)
        try await certificates.add("ca", subject: "ca", signer: [])
        for (name, subject) in subjects { try await certificates.add(name, subject: subject) }
        return certificates
    }

    func add(_ name: String, subject: String) async throws {
        try await add(name, subject: subject, signer: ["-CA", path("ca.pem"), "-CAkey", path("ca.key")])
    }

    func path(_ file: String) -> String { folder + "/" + file }

    /// The settings of `serve`, which lets the client `edge.example` speak for a gateway.
    func settings(gateway: String) -> String {
        """
        tls:
          certificate: \(path("server.pem"))
          key: \(path("server.key"))
          client_authorities: \(path("ca.pem"))
          clients: [{name: edge.example, gateways: [\(gateway)]}]

        """
    }

    private func add(_ name: String, subject: String, signer: [String]) async throws {
        let isServer = subject.hasPrefix("127.")
        _ = try await Command.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(subject)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
            ] + (isServer ? ["-addext", "subjectAltName=IP:\(subject)"] : []) + signer
        ).succeeded()
    }
}
