/// The HTTP interface on Hummingbird.
///
/// - `Endpoints/`: one file a resource; each operation is an ``Endpoint``, a value.
/// - `Access/`: credentials, principals, scopes. `Requests/`: query, body, cursors, idempotency keys.
/// - `Answers/`: answers, problems, validators, packing. `Forms/`: an invoice in the form that a client takes. `Serving/`: the order of it all, and limits.
/// - `Documentation/`: `/openapi.json` and `/docs`. `Operations/`: `/healthz`, `/readyz`, `/metrics`.
import HTTPTypes
package import Hummingbird
package import HummingbirdCore
package import HummingbirdTLS
package import Logging
import NIOCore
import ServiceLifecycle
import UsageStore

package struct WebAPI: Sendable {
    package struct Configuration: Sendable {
        package var authentication: AuthenticationMode
        /// Nil: no tokens are taken.
        package var tokens: TokenConfiguration?
        package var limits: RequestLimits
        /// Nil: plain HTTP.
        package var tls: TLSConfiguration?
        package var resources: APIResources
        /// The OpenAPI document, as YAML.
        package var openAPI: String

        package init(
            authentication: AuthenticationMode = .keys, tokens: TokenConfiguration? = nil,
            limits: RequestLimits = RequestLimits(), tls: TLSConfiguration? = nil,
            resources: APIResources = APIResources(), openAPI: String
        ) {
            self.authentication = authentication
            self.tokens = tokens
            self.limits = limits
            self.tls = tls
            self.resources = resources
            self.openAPI = openAPI
        }
    }

    private let configuration: Configuration
    private let endpoints: [Endpoint]
    private let documentation: Documentation
    private let responder: Responder

    /// - Throws: what is wrong with the JWKS file or the OpenAPI document, as a ``ConfigurationError``.
    package init(
        _ stores: APIStores, configuration: Configuration, statistics: RequestStatistics = RequestStatistics()
    ) async throws {
        self.configuration = configuration
        documentation = try Documentation(yaml: configuration.openAPI)
        endpoints = Self.endpoints
        var tokens: TokenVerifier?
        if let configuration = configuration.tokens {
            do {
                tokens = try await TokenVerifier(configuration)
            } catch let error as TokenVerifier.Refused {
                throw ConfigurationError(message: error.reason)
            }
        }
        responder = Responder(
            authentication: Authentication(mode: configuration.authentication, tokens: tokens, stores: stores),
            meter: RequestMeter(configuration.limits), limits: configuration.limits, stores: stores,
            resources: configuration.resources, statistics: statistics)
    }

    /// What can be wrong with how the API is set up.
    package struct ConfigurationError: Error, CustomStringConvertible {
        package let message: String
        package var description: String { message }
    }

    static var endpoints: [Endpoint] {
        UsageEndpoints.all + SourceEndpoints.all + CorrectionEndpoints.all + ForecastEndpoints.all
            + ComparisonEndpoints.all + InvoiceEndpoints.all + CreditNoteEndpoints.all + ContractEndpoints.all + PriceBookEndpoints.all + QuoteEndpoints.all
            + TenantEndpoints.all + KeyEndpoints.all
    }

    /// The routes, on a router of their own: the same ones for the server and for tests.
    package func router() -> Router<BasicRequestContext> {
        let router = Router()
        var methods: [String: [String]] = [:]
        for endpoint in endpoints {
            add(endpoint, to: router)
            methods[endpoint.path, default: []].append(endpoint.method.rawValue)
            if endpoint.method == .get { methods[endpoint.path, default: []].append("HEAD") }
        }
        for (path, answer) in documentation.pages {
            for method in [HTTPRequest.Method.get, .head] {
                router.on(RouterPath(path), method: method) { request, _ in answer.response(to: request) }
            }
            methods[path] = ["GET", "HEAD"]
        }
        router.add(middleware: NothingThere(responder: responder, methods: methods))
        return router
    }

    private func add(_ endpoint: Endpoint, to router: Router<BasicRequestContext>) {
        let responder = responder
        for method in endpoint.method == .get ? [.get, .head] : [endpoint.method] {
            router.on(RouterPath(endpoint.path), method: method) { request, context in
                await responder.respond(
                    request, to: endpoint, parameters: context.parameters, logger: context.logger)
            }
        }
    }

    /// HTTP/1.1, with TLS where it is configured, and with the limits of what a client may send and how slowly.
    package func server() throws -> HTTPServerBuilder {
        let limits = configuration.limits
        let http1 = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [SlowClientGuard(receive: limits.receive, answer: limits.timeout * 2)],
                idleTimeout: .seconds(Int64(limits.idle)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
        return try configuration.tls.map { try .tls(http1, tlsConfiguration: $0) } ?? http1
    }

    /// The server as a service. `onListening` is given the port that it listens on.
    package func application(
        host: String, port: Int, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) throws -> any ApplicationProtocol {
        Application(
            router: router(), server: try server(),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "waybill"),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
            logger: logger
        )
    }
}

/// An address without a route is a problem too, and so is one that is asked by a method that it does not have.
private struct NothingThere: RouterMiddleware {
    let responder: Responder
    /// By path pattern.
    let methods: [String: [String]]

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return await responder.respondWithoutEndpoint(
                request, allow: allowed(request.uri.path), logger: context.logger)
        }
    }

    /// The methods of the pattern that fits best: `{name}:apply` before `{name}`.
    private func allowed(_ path: String) -> [String] {
        let parts = path.split(separator: "/")
        return methods.filter { pattern, _ in Self.fits(parts, pattern.split(separator: "/")) }
            .max { Self.literals($0.key) < Self.literals($1.key) }?.value ?? []
    }

    private static func fits(_ parts: [Substring], _ pieces: [Substring]) -> Bool {
        pieces.count == parts.count
            && zip(pieces, parts).allSatisfy { piece, part in
                guard piece.hasPrefix("{") else { return piece == part }
                let suffix = piece.drop { $0 != "}" }.dropFirst()
                return part.hasSuffix(suffix) && part.count > suffix.count
            }
    }

    /// Characters of a pattern outside of its parameters.
    private static func literals(_ pattern: String) -> Int {
        pattern.split(separator: "/").reduce(0) { sum, piece in
            sum + (piece.hasPrefix("{") ? piece.drop { $0 != "}" }.dropFirst().count : piece.count)
        }
    }
}
