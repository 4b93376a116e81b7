import Metering

/// A gateway instance over an hour: processes one after another, whose flushes reach one of two workers through
/// streams, or nobody. It knows what was truly counted.
struct SimulatedEnvoy: Sendable {
    /// What varies from one kind of world to the next.
    struct Conditions: Hashable, Sendable {
        var hasBootIDs: Bool
        /// Envoy's clock minus the workers'. Unit: seconds.
        var clockOffset: Int64
    }

    /// A part of a flush, as it arrives.
    struct Message: Sendable {
        var stream: Int
        var sentMilliseconds: Int64
        var receivedAt: Timestamp
        var metrics: [Metric]
    }

    struct Stream: Sendable {
        var process: Int
        var worker: Int
        var identity: StreamIdentity
        var endsAt: Timestamp
    }

    private(set) var streams: [Stream] = []
    /// In order of arrival.
    private(set) var messages: [Message] = []
    /// What each process counted from its start to its death, by name.
    private(set) var counted: [[String: Int64]] = []

    private let conditions: Conditions
    private var now: Timestamp
    private let end: Timestamp
    private var openStream: Int?

    init(_ conditions: Conditions, using random: inout SeededGenerator) {
        self.conditions = conditions
        now = Timestamp.at(11, 50).advanced(byMicroseconds: random.pick(0...900_000_000))
        end = now.plus(seconds: random.pick(1200...3600))
        var hotRestartEpoch: Int64 = 0
        var mayHotRestart = true
        var parentStart = now
        while now < end {
            live(hotRestartEpoch: hotRestartEpoch, parentStart: parentStart, using: &random)
            parentStart = now
            if mayHotRestart, random.chance(30) {
                hotRestartEpoch += 1
                now = now.advanced(byMicroseconds: random.pick(100_000...900_000))
            } else {
                // The same hot-restart epoch does not come twice where the lives between left no trace.
                mayHotRestart = hotRestartEpoch == 0
                hotRestartEpoch = 0
                now = now.advanced(byMicroseconds: random.chance(50) ? 100_000 : random.pick(100_000...30_000_000))
            }
            if random.chance(70) { openStream = nil }
        }
    }

    /// One process from its start to its death, which is a kill: what it counted after its last flush is never seen.
    private mutating func live(hotRestartEpoch: Int64, parentStart: Timestamp, using random: inout SeededGenerator) {
        let process = counted.count
        counted.append([:])
        openStream = nil
        let started = now
        let death = min(end, now.plus(seconds: random.pick(40...1200)))
        let interval = random.pick(1_000_000...10_000_000)
        var counters = Self.counters(using: &random)
        var lost: Int64 = 0
        var lastFlush = now
        while true {
            lastFlush = now
            now = now.advanced(byMicroseconds: interval * random.pick(90...110) / 100)
            for index in counters.indices {
                let added = counters[index].advance(at: now, using: &random)
                counted[process][counters[index].name, default: 0] += added
            }
            guard now < death else { break }
            if lost == 0, random.chance(3) {
                lost = random.pick(1...20)
                openStream = nil
            }
            if lost > 0 {
                lost -= 1
                continue
            }
            if openStream == nil || random.chance(3) { open(process, using: &random) }
            // While a hot-restarted parent lives, the child shows the parent's uptime.
            let inherited = hotRestartEpoch > 0 && now.microseconds(since: started) < 20_000_000
            let uptime = now.microseconds(since: inherited ? parentStart : started) / 1_000_000
            var metrics = counters.filter { $0.appearsAt <= now }.map { Metric.counter($0.name, $0.value) }
            metrics.append(.gauge("server.uptime", uptime))
            if hotRestartEpoch > 0 { metrics.append(.gauge("server.hot_restart_epoch", hotRestartEpoch)) }
            deliver(metrics, using: &random)
        }
        // Some die right after a flush: nothing but the uptime tells the next one apart.
        now = random.chance(40) ? lastFlush.advanced(byMicroseconds: 50_000) : death
    }

    private mutating func open(_ process: Int, using random: inout SeededGenerator) {
        let bootID = conditions.hasBootIDs ? "boot-\(process)" : nil
        let identity = StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: bootID)
        streams.append(Stream(process: process, worker: random.chance(50) ? 0 : 1, identity: identity, endsAt: now))
        openStream = streams.count - 1
    }

    private mutating func deliver(_ metrics: [Metric], using random: inout SeededGenerator) {
        guard let stream = openStream else { return }
        let sent = now.plus(seconds: conditions.clockOffset).microseconds / 1000
        var receivedAt = now.advanced(byMicroseconds: random.pick(0...200_000))
        let size = random.chance(50) ? metrics.count : 3
        for start in Swift.stride(from: 0, to: metrics.count, by: size) {
            let part = Array(metrics[start..<min(start + size, metrics.count)])
            messages.append(
                Message(stream: stream, sentMilliseconds: sent, receivedAt: receivedAt, metrics: part)
            )
            receivedAt = receivedAt.advanced(byMicroseconds: random.pick(1...20_000))
        }
        streams[stream].endsAt = receivedAt
    }

    private static func counters(using random: inout SeededGenerator) -> [SimulatedCounter] {
        let late = Timestamp(microseconds: 0).plus(seconds: 1_793_664_000 + 12 * 3600)
        return [
            SimulatedCounter(name: "http.ingress.downstream_rq_completed", step: 40, resetPercent: 0),
            SimulatedCounter(name: "http.quiet.downstream_rq_completed", step: 0, resetPercent: 0, value: 0),
            SimulatedCounter(name: "cluster.a.upstream_rq_2xx", step: 9, resetPercent: 4),
            SimulatedCounter(name: "cluster.b.upstream_rq_2xx", step: random.pick(1...1_000_000), resetPercent: 30),
            SimulatedCounter(name: "vhost.v.vcluster.other.upstream_rq_total", step: 7, resetPercent: 1, late),
        ]
    }
}

/// A counter inside a process; some are reset while it lives, as a cluster's are by each of its updates.
private struct SimulatedCounter {
    let name: String
    let step: Int64
    let resetPercent: Int64
    var value: Int64 = 0
    let appearsAt: Timestamp

    init(
        name: String, step: Int64, resetPercent: Int64, value: Int64 = 0,
        _ appearsAt: Timestamp = Timestamp(microseconds: 0)
    ) {
        self.name = name
        self.step = step
        self.resetPercent = resetPercent
        self.value = value
        self.appearsAt = appearsAt
    }

    /// Counts on to the next flush; answers what was counted.
    mutating func advance(at time: Timestamp, using random: inout SeededGenerator) -> Int64 {
        guard time >= appearsAt else { return 0 }
        let added = random.chance(40) ? 0 : random.pick(0...step)
        value += added
        guard random.chance(resetPercent) else { return added }
        // What comes after the reset may overtake what was there before.
        let after = random.pick(0...(step * 3))
        value = after
        return added + after
    }
}
