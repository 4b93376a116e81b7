import ArgumentParser
import Foundation
import LoadBalancerCosts
import NIOSSL
import Pricing
import Savings
import WebAPI

/// How the HTTP interface is guarded, for `serve`.
struct APIOptions: ParsableArguments {
    @Option(help: "keys, or none (on loopback alone): whether REST asks for a credential.")
    var apiAuth: AuthenticationMode = .keys

    @Option(help: ArgumentHelp("Public keys (JWKS) of tokens that REST takes beside API keys.", valueName: "file"))
    var apiJWKS: String?

    @Option(help: ArgumentHelp("The issuer of those tokens.", valueName: "iss"))
    var apiIssuer: String?

    @Option(help: ArgumentHelp("The audience of those tokens; waybill unless given.", valueName: "aud"))
    var apiAudience = "waybill"

    @Option(help: ArgumentHelp("The claim that names the tenant; tenant unless given.", valueName: "claim"))
    var apiTenantClaim = "tenant"

    @Option(help: ArgumentHelp("A PEM certificate chain: REST speaks HTTPS.", valueName: "file"))
    var apiTLSCertificate: String?

    @Option(help: ArgumentHelp("Its private key, PEM, unencrypted, readable by its owner alone.", valueName: "file"))
    var apiTLSKey: String?

    @Option(help: ArgumentHelp("Requests a second for one credential; 1000 unless given.", valueName: "n"))
    var apiRate = 1_000

    @Option(help: ArgumentHelp("Requests at once for one credential; 64 unless given.", valueName: "n"))
    var apiConcurrent = 64

    @Option(
        help: ArgumentHelp(
            "Where /healthz, /readyz and /metrics are answered, without keys; nowhere unless given.",
            valueName: "host:port"))
    var opsListen: ListenAddress?

    /// - Throws: a wrong use that names the flag and the remedy.
    func configuration(on address: ListenAddress) throws -> WebAPI.Configuration {
        if apiAuth == .none, !address.isLoopback {
            throw CommandError(
                .usage, "--api-auth none is for loopback alone, and --api-listen is \(address); use keys there")
        }
        let tls = try tls()
        if tls == nil, !address.isLoopback {
            throw CommandError(
                .usage,
                "--api-listen \(address) would carry keys in the clear: give --api-tls-certificate and --api-tls-key, "
                    + "or listen on loopback behind a proxy that has TLS")
        }
        guard apiRate > 0, apiConcurrent > 0 else {
            throw CommandError(.usage, "--api-rate and --api-concurrent are 1 or more")
        }
        var limits = RequestLimits()
        limits.rate = apiRate
        limits.burst = max(limits.burst, apiRate * 2)
        limits.concurrent = apiConcurrent
        let path = try ConfigurationFiles.file("docs/openapi.yaml")
        guard let document = FileManager.default.contents(atPath: path) else {
            throw CommandError(.failure, "\(path) can not be read")
        }
        return WebAPI.Configuration(
            authentication: apiAuth, tokens: try tokens(), limits: limits, tls: tls, resources: try resources(),
            openAPI: String(decoding: document, as: UTF8.self))
    }

    /// What `waybill report` and `waybill compare` work with when nothing else is named.
    private func resources() throws -> APIResources {
        APIResources(
            forms: InvoiceForms(try ReportFiles.templates(), script: try ConfigurationFiles.file("reports/print.py")),
            catalogue: try costFailure { try PriceCatalogue.shipped() },
            feeBook: .init(
                try PriceBook.read(try ConfigurationFiles.file(PriceBookReference.shipped)),
                source: " (the shipped example; price_book= names yours)"))
    }

    private func tokens() throws -> TokenConfiguration? {
        guard let apiJWKS else {
            guard apiIssuer == nil else { throw CommandError(.usage, "--api-issuer goes with --api-jwks FILE") }
            return nil
        }
        guard let apiIssuer, !apiIssuer.isEmpty else {
            throw CommandError(.usage, "--api-jwks goes with --api-issuer: who issues the tokens")
        }
        return TokenConfiguration(
            keysFile: apiJWKS, issuer: apiIssuer, audience: apiAudience, tenantClaim: apiTenantClaim)
    }

    private func tls() throws -> TLSConfiguration? {
        switch (apiTLSCertificate, apiTLSKey) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            do {
                let chain = try NIOSSLCertificate.fromPEMFile(certificate)
                var configuration = TLSConfiguration.makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
                configuration.minimumTLSVersion = .tlsv12
                return configuration
            } catch {
                throw CommandError(.usage, "\(certificate) and \(key) can not be used as certificate and key: \(error)")
            }
        default:
            throw CommandError(.usage, "--api-tls-certificate and --api-tls-key go together")
        }
    }
}

extension AuthenticationMode: ExpressibleByArgument {}
