import HTTPTypes
import Metering
import UsageStore

/// `/v1/sources`: the Envoys that report, each life of theirs.
enum SourceEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/sources", .usageRead, operators: true, parameters: ["gateway", "seen_since", "limit"],
            answer: sources)
    ]

    private struct Item: Encodable {
        let gateway: String
        let instance: String
        let epoch: Int64
        let bootID: String?
        let startedAt: String?
        let firstSeenAt: String
        let lastSeenAt: String
        let flushIntervalMilliseconds: Int64?
        let sink: String
        let drained: Bool
        let expected: Bool

        init(_ source: MeteredSource) {
            gateway = source.gateway
            instance = source.instance
            epoch = source.epoch
            bootID = source.bootID
            startedAt = source.started?.description
            firstSeenAt = source.firstSeen.description
            lastSeenAt = source.lastSeen.description
            flushIntervalMilliseconds = source.flushIntervalMilliseconds
            sink = source.kind.name
            drained = source.isDrained
            expected = source.isExpected
        }

        private enum CodingKeys: String, CodingKey {
            case gateway, instance, epoch, startedAt, firstSeenAt, lastSeenAt, flushIntervalMilliseconds, sink, drained
            case expected
            case bootID = "bootId"
        }
    }

    private struct Items: Encodable {
        let items: [Item]
    }

    private static func sources(_ call: Call) async throws -> Answer {
        let since = try call.query.text("seen_since") == nil ? Timestamp(microseconds: 0) : try call.time("seen_since")
        let sources = try await call.store.sources(
            ofGateway: try call.query.text("gateway"), seenSince: since, limit: Int64(try call.pageSize()))
        return try .json(Items(items: sources.map { Item($0) }))
    }
}
