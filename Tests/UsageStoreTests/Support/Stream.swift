import Metering

@testable import UsageStore

/// One stream of an Envoy at a worker: fed by hand, committed as a worker commits it.
struct Stream {
    static let requests = "http.tenant_acme.downstream_rq_completed"

    var tape: StreamTape
    var identity: StreamIdentity
    private(set) var stored = StoredStream()

    init(
        _ number: Int64, gateway: String = "edge", instance: String = "envoy-1", bootID: String? = "boot-1",
        source: SourceKind = .metricsService, collect: CollectPatterns = .everything
    ) {
        tape = StreamTape(stream: StreamID(rawValue: number), source: source, collect: collect)
        identity = StreamIdentity(gateway: gateway, instance: instance, bootID: bootID)
    }

    var snapshot: StreamCommit { StreamCommit(identity: identity, tape: tape, stored: stored) }

    mutating func hasStored(_ stored: StoredStream) {
        self.stored = stored
        tape.forget(through: stored.revision)
    }

    /// Takes one flush.
    ///
    /// - Parameters:
    ///   - started: when the process was started, for `server.uptime`; nil sends none.
    ///   - sentAt: by Envoy's clock; nil for that of the worker.
    mutating func flush(
        at time: Timestamp, _ counters: [String: Int64], gauges: [String: Int64] = [:], started: Timestamp? = nil,
        hotRestartEpoch: Int64 = 0, state: Int64 = 0, sentAt: Timestamp? = nil
    ) {
        tape.receiveTime(sentMilliseconds: (sentAt ?? time).microseconds / 1000, receivedAt: time)
        for (name, value) in counters.sorted(by: { $0.key < $1.key }) where tape.wants(Array(name.utf8).span) {
            tape.receiveCounter(Double(value))
        }
        var gauges = gauges
        gauges["server.state"] = state
        if hotRestartEpoch > 0 { gauges["server.hot_restart_epoch"] = hotRestartEpoch }
        if let started { gauges["server.uptime"] = time.microseconds(since: started) / 1_000_000 }
        for (name, value) in gauges.sorted(by: { $0.key < $1.key }) where tape.wants(Array(name.utf8).span) {
            tape.receiveGauge(Double(value))
        }
    }

    /// Takes one flush of the tenant's requests alone.
    mutating func flush(
        at time: Timestamp, requests: Int64, started: Timestamp? = nil, hotRestartEpoch: Int64 = 0, state: Int64 = 0
    ) {
        flush(
            at: time, [Self.requests: requests], started: started, hotRestartEpoch: hotRestartEpoch, state: state)
    }

    mutating func end() { tape.end() }
}

extension Timestamp {
    /// An instant of the tests' day: `at(12, 14, 58)` is 2024-11-05T12:14:58Z.
    static func at(_ hour: Int64, _ minute: Int64, _ second: Int64 = 0) -> Timestamp {
        Timestamp(seconds: 1_730_764_800 + hour * 3600 + minute * 60 + second)
    }

    func plus(seconds: Int64) -> Timestamp { advanced(byMicroseconds: seconds * 1_000_000) }
}
