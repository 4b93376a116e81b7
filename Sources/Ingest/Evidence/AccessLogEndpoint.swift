internal import EnvoyAPI
internal import GRPCCore
internal import Logging
internal import ServiceLifecycle
internal import UsageStore
internal import WireFormats

/// envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs: evidence, never the bill.
struct AccessLogEndpoint: RegistrableRPCService {
    let book: EvidenceBook
    let budget: InFlightBudget
    let access: GatewayAccess
    let logger: Logger

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Envoy_Service_Accesslog_V3_AccessLogService.Method.StreamAccessLogs.descriptor,
            deserializer: RawMessageDeserializer(),
            serializer: RawMessageSerializer()
        ) { request, context in
            let names = access.gateways == nil ? [] : PeerCertificate.names(context)
            // A stream has no end of its own: a shutdown cuts it between two messages.
            let error = await cancelWhenGracefulShutdown {
                await read(request.messages, peer: context.remotePeer, certificate: names)
            }
            if let error { throw error }
            return StreamingServerResponse(single: ServerResponse(message: []))
        }
    }

    private func read(
        _ messages: RPCAsyncSequence<[UInt8], any Error>, peer: String, certificate: [String]
    ) async -> RPCError? {
        var gateway: String?
        var instance = ""
        var logName = ""
        do {
            for try await message in messages {
                let taken: RPCError?? = await budget.admit(message.count) { () -> RPCError? in
                    do {
                        let log = try AccessLogMessage(message.span, logName: logName)
                        logName = log.logName ?? logName
                        if let node = log.node { (gateway, instance) = (node.cluster, node.id) }
                        guard let gateway, !gateway.isEmpty else {
                            return RPCError(
                                code: .invalidArgument,
                                message: "the stream names no node.cluster; set it in the bootstrap")
                        }
                        guard access.allows(gateway, names: certificate) else {
                            return RPCError(
                                code: .permissionDenied,
                                message: "the client's certificate does not let it speak for the gateway \(gateway)")
                        }
                        book.add(log.records, gateway: gateway, instance: instance, way: .stream)
                        return nil
                    } catch {
                        return RPCError(code: .invalidArgument, message: "\(error)")
                    }
                }
                guard let taken else {
                    return RPCError(code: .resourceExhausted, message: "no room for \(message.count) bytes now")
                }
                if let taken {
                    logger.warning(
                        "an access log stream was closed", metadata: ["peer": "\(peer)", "error": "\(taken)"])
                    return taken
                }
            }
        } catch {
            if Task.isCancelled || Task.isShuttingDownGracefully {
                return RPCError(code: .unavailable, message: "the worker is shutting down")
            }
            logger.info("an access log stream was lost", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
        return nil
    }
}
