import Gzip
import Hummingbird
import HummingbirdTLS
import Ingest
import Logging
import NIOCore
import UsageStore
import WireFormats

/// OTLP over HTTP: `POST /v1/metrics` with a protobuf body, plain or gzip. Beside it `POST /v1/access-logs?gateway=…` takes
/// access logs in JSON, as fluentd and Fluent Bit push them.
///
/// With TLS a client needs a certificate, which speaks for the gateways of its name alone.
enum OTLPHTTP {
    static func application(
        _ receiver: OTLPReceiver, evidence: EvidenceBook, address: ListenAddress, budget: InFlightBudget,
        largestMessage: Int, tls: ServerTLS?, access: GatewayAccess, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void
    ) throws -> some ApplicationProtocol {
        let router = Router(context: PeerContext.self)
        router.post("/v1/metrics") { request, context -> Response in
            guard request.headers[.contentType]?.lowercased().hasPrefix("application/x-protobuf") ?? false else {
                return answer(.unsupportedMediaType, "send application/x-protobuf: JSON is not read")
            }
            let body: [UInt8]
            switch await unpacked(request, atMost: largestMessage) {
            case .success(let unpacked): body = unpacked
            case .failure(let refusal): return answer(refusal.status, refusal.message)
            }
            do {
                let names = await context.names(access)
                let taken: Void? = try await budget.admit(body.count) {
                    try await receiver.receive(
                        body, peer: context.peer, at: WallClock.now(),
                        mayMeter: { access.allows($0, names: names) })
                }
                guard taken != nil else { return answer(.serviceUnavailable, "there is no room now; send it again") }
                // An empty ExportMetricsServiceResponse: all was taken.
                return Response(status: .ok, headers: [.contentType: "application/x-protobuf"])
            } catch let error as WireFormatError {
                logger.warning(
                    "an OTLP export was refused", metadata: ["peer": "\(context.peer)", "error": "\(error)"])
                return answer(.badRequest, error.description)
            } catch let error as MetricsStreamRefusal {
                return answer(error.code == .notPermitted ? .forbidden : .serviceUnavailable, error.message)
            } catch {
                logger.error(
                    "an OTLP export was not counted; its sender may send it again",
                    metadata: ["peer": "\(context.peer)", "error": "\(error)"])
                return answer(.serviceUnavailable, "the worker can not count the export now")
            }
        }
        router.post("/v1/access-logs") { request, context -> Response in
            guard let gateway = request.uri.queryParameters["gateway"].map(String.init),
                (1...512).contains(gateway.utf8.count)
            else { return answer(.badRequest, "say whose logs they are: /v1/access-logs?gateway=gw-eu-1") }
            guard await access.allows(gateway, names: context.names(access)) else {
                return answer(
                    .forbidden, "the client's certificate does not let it speak for the gateway \(gateway)")
            }
            let body: [UInt8]
            switch await unpacked(request, atMost: largestMessage) {
            case .success(let unpacked): body = unpacked
            case .failure(let refusal): return answer(refusal.status, refusal.message)
            }
            var log = JSONAccessLog()
            log.receive(body.span)
            log.end()
            let instance = request.uri.queryParameters["instance"].map(String.init) ?? ""
            evidence.add(log.takeRecords(), gateway: gateway, instance: instance, way: .push)
            return answer(.ok, "\(log.others) objects were no entries, \(log.malformed) places no JSON")
        }
        return Application(
            router: router,
            server: try tls.map { try .tls(tlsConfiguration: $0.tcpConfiguration()) } ?? .http1(),
            configuration: .init(address: .hostname(address.host, port: address.port), serverName: "waybill"),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? address.port) }, logger: logger)
    }

    /// Why a body is not read.
    private struct Refusal: Error {
        let status: HTTPResponse.Status
        let message: String
    }

    private static func unpacked(_ request: Request, atMost largest: Int) async -> Result<[UInt8], Refusal> {
        guard let collected = try? await request.body.collect(upTo: largest) else {
            return .failure(Refusal(status: .contentTooLarge, message: "a request holds at most \(largest) bytes"))
        }
        let body = Array(collected.readableBytesView)
        switch request.headers[.contentEncoding]?.lowercased() {
        case nil, "identity": return .success(body)
        case "gzip":
            do {
                return .success(try Gzip.unpack(body, atMost: largest))
            } catch {
                return .failure(Refusal(status: .badRequest, message: "the body can not be unpacked: \(error)"))
            }
        case let other?:
            return .failure(
                Refusal(status: .unsupportedMediaType, message: "the content encoding \(other) is not read"))
        }
    }

    /// Retryable where the status says so, by the rules of OTLP: 429, 502, 503, 504.
    private static func answer(_ status: HTTPResponse.Status, _ message: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: message + "\n")))
    }

    private struct PeerContext: RequestContext {
        var coreContext: CoreRequestContextStorage
        /// The sender's address.
        let peer: String
        private let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            peer = source.channel.remoteAddress?.ipAddress ?? ""
            channel = source.channel
        }

        /// The names of the client's certificate, where they limit anything.
        func names(_ access: GatewayAccess) async -> [String] {
            access.gateways == nil ? [] : await PeerCertificate.names(of: channel)
        }
    }
}
