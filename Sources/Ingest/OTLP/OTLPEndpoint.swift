internal import EnvoyAPI
internal import GRPCCore
internal import Logging
internal import Metering
internal import WireFormats

/// opentelemetry.proto.collector.metrics.v1.MetricsService/Export over gRPC.
struct OTLPEndpoint: RegistrableRPCService {
    let receiver: OTLPReceiver
    let budget: InFlightBudget
    let access: GatewayAccess
    /// Unix time in microseconds.
    let now: @Sendable () -> Int64
    let logger: Logger

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Opentelemetry_Proto_Collector_Metrics_V1_MetricsService.Method.Export.descriptor,
            deserializer: RawMessageDeserializer(),
            serializer: RawMessageSerializer()
        ) { request, context in
            let names = access.gateways == nil ? [] : PeerCertificate.names(context)
            for try await message in request.messages {
                try await export(message, peer: context.remotePeer, certificate: names)
                break
            }
            // An empty ExportMetricsServiceResponse: all was taken.
            return StreamingServerResponse(single: ServerResponse(message: []))
        }
    }

    private func export(_ message: [UInt8], peer: String, certificate: [String]) async throws {
        let time = Timestamp(microseconds: now())
        do {
            let taken: Void? = try await budget.admit(message.count) {
                try await receiver.receive(
                    message, peer: PeerAddress(grpcPeer: peer)?.description ?? peer, at: time,
                    mayMeter: { access.allows($0, names: certificate) })
            }
            if taken == nil {
                throw RPCError(code: .resourceExhausted, message: "no room for \(message.count) bytes now")
            }
        } catch let error as RPCError {
            throw error
        } catch let error as WireFormatError {
            logger.warning("an OTLP export was refused", metadata: ["peer": "\(peer)", "error": "\(error)"])
            throw RPCError(code: .invalidArgument, message: error.description)
        } catch let error as MetricsStreamRefusal {
            logger.warning("an OTLP export was refused", metadata: ["peer": "\(peer)", "error": "\(error)"])
            throw RPCError(code: error.code.status, message: error.message)
        } catch {
            logger.error(
                "an OTLP export was not counted; its sender may send it again",
                metadata: ["peer": "\(peer)", "error": "\(error)"])
            throw RPCError(code: .unavailable, message: "the worker can not count the export now")
        }
    }
}
