import Metering

/// A ledger that is filled stream by stream, in the order of the calls.
struct Scene {
    static let name = "http.ingress.downstream_rq_completed"

    var ledger: MemoryLedger
    private var streams: Int64 = 0

    init(meteringSince: Timestamp? = nil) {
        ledger = MemoryLedger(meteringSince: meteringSince)
    }

    /// Commits a whole stream of one counter. `mark` is when another stream begins at the same worker.
    mutating func stream(
        _ readings: [(Timestamp, Int64)], name: String = Self.name, bootID: String? = "boot", started: Timestamp? = nil,
        mark: Timestamp? = nil, temporality: Temporality = .cumulative, clockOffset: Int64 = 0
    ) throws {
        streams += 1
        var tape = StreamTape(stream: StreamID(rawValue: streams), temporality: temporality, collect: .everything)
        var isMarked = false
        for (time, value) in readings {
            if let mark, time > mark, !isMarked {
                tape.mark()
                isMarked = true
            }
            var metrics = [Metric.counter(name, value)]
            if let started { metrics.append(.gauge("server.uptime", time.microseconds(since: started) / 1_000_000)) }
            let sent = time.plus(seconds: clockOffset).microseconds / 1000
            tape.feed(metrics, sentMilliseconds: sent, receivedAt: time)
        }
        tape.end()
        try ledger.commit(&tape, of: StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: bootID))
    }

    func usage(_ hour: Int64, _ minute: Int64) throws -> InstanceUsage {
        try ledger.usage(of: "envoy-1", in: QuarterHour(containing: .at(hour, minute)))
    }

    /// The total of all counters.
    mutating func total() throws -> Int64 { try ledger.totals().reduce(0) { $0 + $1.usage } }
}
