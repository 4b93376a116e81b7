internal import EnvoyAPI
internal import GRPCCore
internal import Logging
internal import ServiceLifecycle
internal import WireFormats

/// envoy.service.metrics.v3.MetricsService/StreamMetrics: reads each stream's messages one by one into a `MetricsStream`.
struct MetricsServiceEndpoint: RegistrableRPCService {
    let streams: any MetricsServiceStreams
    let budget: InFlightBudget
    var access = GatewayAccess.all
    /// How many streams each peer address may hold open.
    var peers = PeerStreams()
    /// Bytes; above it the transport resets a stream.
    let largestMessage: Int
    /// Unix time in microseconds.
    let now: @Sendable () -> Int64
    let logger: Logger

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Envoy_Service_Metrics_V3_MetricsService.Method.StreamMetrics.descriptor,
            deserializer: RawMessageDeserializer(),
            serializer: RawMessageSerializer()
        ) { request, context in
            let names = access.gateways == nil ? [] : PeerCertificate.names(context)
            let status = await serve(request.messages, peer: context.remotePeer, certificate: names)
            if let status { throw status }
            // An empty StreamMetricsResponse; Envoy does not read it.
            return StreamingServerResponse(single: ServerResponse(message: []))
        }
    }

    /// Serves one stream to its end. Returns the status to close it with; nil is OK.
    private func serve(
        _ messages: RPCAsyncSequence<[UInt8], any Error>, peer: String, certificate: [String]
    ) async -> RPCError? {
        guard peers.begin(peer) else {
            return RPCError(
                code: .resourceExhausted, message: "one address holds more than \(peers.limit) streams open")
        }
        defer { peers.end(peer) }
        let access = access
        let stream = await streams.open(peer: peer) { access.allows($0, names: certificate) }
        // A metrics stream has no end of its own: a shutdown has to cut it, between two messages.
        let end = await cancelWhenGracefulShutdown { await read(messages, into: stream) }
        await stream.end(end)
        return status(of: end, peer: peer)
    }

    private func read(
        _ messages: RPCAsyncSequence<[UInt8], any Error>, into stream: any MetricsStream
    ) async -> MetricsStreamEnd {
        var iterator = messages.makeAsyncIterator()
        while true {
            let message: [UInt8]?
            do {
                message = try await iterator.next()
            } catch {
                return isShuttingDown ? .shuttingDown : .lost(error)
            }
            guard let message else { return isShuttingDown ? .shuttingDown : .closedByPeer }
            do {
                let receivedAt = now()
                let taken: Void? = try await budget.admit(message.count) {
                    try await stream.receive(message, receivedAt: receivedAt)
                }
                if taken == nil {
                    return .refused(
                        MetricsStreamRefusal(
                            .overloaded,
                            "no room for \(message.count) bytes: \(budget.inFlight) of \(budget.limit) are in flight"))
                }
            } catch is CancellationError where isShuttingDown {
                return .shuttingDown
            } catch {
                return .refused(error)
            }
            if isShuttingDown { return .shuttingDown }
        }
    }

    /// Gracefully, or because the whole service was cancelled; a stream's own end cancels no task.
    private var isShuttingDown: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

    private func status(of end: MetricsStreamEnd, peer: String) -> RPCError? {
        switch end {
        case .closedByPeer:
            return nil
        case .shuttingDown:
            return RPCError(code: .unavailable, message: "the worker is shutting down")
        case .lost(let error):
            // That streams break is in the nature of restarts. But the transport also resets one whose message it can not
            // frame, most often because it is too large, and tells neither side why: that comes again at each flush.
            let metadata: Logger.Metadata = ["peer": "\(peer)", "error": "\(error)"]
            if (error as? RPCError)?.code == .internalError {
                logger.warning(
                    """
                    a metrics stream was reset; if its flushes are larger than \(largestMessage) bytes, set batch_size in \
                    its metrics_service sink
                    """, metadata: metadata)
            } else {
                logger.info("a metrics stream was lost", metadata: metadata)
            }
            return error as? RPCError ?? RPCError(code: .unavailable, message: "the stream was lost")
        case .refused(let error):
            logger.warning("a metrics stream was closed", metadata: ["peer": "\(peer)", "error": "\(error)"])
            return status(of: error)
        }
    }

    private func status(of refusal: any Error) -> RPCError {
        switch refusal {
        case let refusal as MetricsStreamRefusal:
            RPCError(code: refusal.code.status, message: refusal.message)
        case let error as WireFormatError:
            RPCError(code: .invalidArgument, message: error.description)
        default:
            // The worker's own affair: what went wrong stands in its log.
            RPCError(code: .internalError, message: "the worker could not take the message")
        }
    }
}

extension MetricsStreamRefusal.Code {
    var status: RPCError.Code {
        switch self {
        case .missingIdentifier, .malformed: .invalidArgument
        case .overloaded: .resourceExhausted
        case .notPermitted: .permissionDenied
        default: .unavailable
        }
    }
}
