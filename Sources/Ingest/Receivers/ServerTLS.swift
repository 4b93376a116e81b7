internal import GRPCNIOTransportHTTP2Posix
package import Logging
internal import NIOCertificateReloading
package import NIOSSL
internal import ServiceLifecycle

/// Mutual TLS of a listener: its certificate, which is read again when its files change, and whose certificates are taken.
package struct ServerTLS: Service {
    package struct Files: Hashable, Sendable {
        /// PEM: the certificate with those that lead to a root.
        package var certificate: String
        /// PEM.
        package var key: String
        /// PEM: who signs the clients' certificates.
        package var clientAuthorities: String

        package init(certificate: String, key: String, clientAuthorities: String) {
            self.certificate = certificate
            self.key = key
            self.clientAuthorities = clientAuthorities
        }
    }

    private let files: Files
    private let reloader: TimedCertificateReloader

    /// Reads the files once.
    ///
    /// - Parameter refreshInterval: how often `run` looks for changed files.
    /// - Throws: `ReceiverError` that names the file.
    package init(_ files: Files, refreshInterval: Duration = .seconds(10), logger: Logger) throws {
        self.files = files
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(
                refreshInterval: refreshInterval,
                certificateSource: .init(location: .file(path: files.certificate), format: .pem),
                privateKeySource: .init(location: .file(path: files.key), format: .pem), logger: logger)
        } catch {
            throw ReceiverError(
                .tls,
                "TLS: \(files.certificate) and \(files.key) can not be used: \(error); give a certificate and its key",
                cause: error)
        }
    }

    /// Looks for changed files until the service group shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown { try? await reloader.run() }
    }

    /// What a listener of TCP or HTTP needs: the same certificates as gRPC's.
    ///
    /// - Throws: `ReceiverError` that names the file.
    package func tcpConfiguration() throws -> TLSConfiguration {
        do {
            let authorities = try NIOSSLCertificate.fromPEMFile(files.clientAuthorities)
            var configuration = try TLSConfiguration.makeServerConfigurationWithMTLS(
                certificateReloader: reloader, trustRoots: .certificates(authorities))
            configuration.minimumTLSVersion = .tlsv12
            return configuration
        } catch {
            throw ReceiverError(
                .tls,
                "TLS: \(files.clientAuthorities) can not be used: \(error); give the certificates of who signs the clients'",
                cause: error)
        }
    }

    func transportSecurity() throws -> HTTP2ServerTransport.Posix.TransportSecurity {
        try .mTLS(certificateReloader: reloader) { config in
            config.trustRoots = .certificates([.file(path: files.clientAuthorities, format: .pem)])
        }
    }
}
