import Metering

/// Brings a simulated Envoy's messages to its workers, lets them stage commits at random instants, kills some before
/// they have committed, and keeps what was staged for a test to merge as it likes.
struct Delivery {
    struct Staged: Sendable {
        var segment: Segment
        var identity: StreamIdentity
    }

    /// Knows the epochs, but holds no tapes yet.
    private(set) var ledger = MemoryLedger()
    /// Every revision that reached the database, in the order of staging.
    private(set) var staged: [Staged] = []
    /// Σ over the processes of what their committed readings say, computed without tapes: by process, then name.
    private(set) var expected: [Int: [String: Int64]] = [:]

    init(_ envoy: SimulatedEnvoy, using random: inout SeededGenerator) throws {
        var tapes: [StreamTape] = []
        for index in envoy.streams.indices {
            tapes.append(StreamTape(stream: StreamID(rawValue: 1000 - Int64(index)), collect: .everything))
        }
        // How many messages of each stream were stored when its worker died, or its stream ended.
        var stored = Array(repeating: 0, count: tapes.count)
        var received = Array(repeating: 0, count: tapes.count)
        var sizes = Array(repeating: 0, count: tapes.count)
        for message in envoy.messages { sizes[message.stream] += 1 }
        let isKilled = tapes.indices.map { _ in random.chance(20) }
        let patience = [random.pick(1...100), random.pick(1...100)]
        for message in envoy.messages {
            let stream = message.stream
            if received[stream] == 0 {
                // A worker marks its other streams of an instance when another begins.
                let worker = envoy.streams[stream].worker
                for other in tapes.indices where other != stream && envoy.streams[other].worker == worker {
                    tapes[other].mark()
                }
            }
            tapes[stream].feed(
                message.metrics, sentMilliseconds: message.sentMilliseconds, receivedAt: message.receivedAt)
            received[stream] += 1
            if received[stream] == sizes[stream], !isKilled[stream], random.chance(70) {
                tapes[stream].end()
                stage(&tapes[stream], envoy.streams[stream], using: &random)
                stored[stream] = received[stream]
            }
            let other = Int(random.pick(0...Int64(stream)))
            for candidate in Set([stream, other]).sorted() where received[candidate] > 0 {
                guard random.chance(patience[envoy.streams[candidate].worker]) else { continue }
                stage(&tapes[candidate], envoy.streams[candidate], using: &random)
                if tapes[candidate].isDecidable { stored[candidate] = received[candidate] }
            }
        }
        for stream in tapes.indices.shuffled(using: &random) where !isKilled[stream] {
            tapes[stream].end()
            stage(&tapes[stream], envoy.streams[stream], using: &random)
            stored[stream] = received[stream]
        }
        expected = Self.reference(envoy, stored: stored)
    }

    private mutating func stage(
        _ tape: inout StreamTape, _ stream: SimulatedEnvoy.Stream, using random: inout SeededGenerator
    ) {
        for segment in ledger.stage(&tape, of: stream.identity) {
            staged.append(Staged(segment: segment, identity: stream.identity))
        }
        // What is staged is stored in this world; a worker may drop it or keep it.
        if random.chance(50) { tape.forget(through: tape.latestRevision) }
    }

    /// All stored readings of a process in the order of arrival: a rise adds itself, a fall adds the new value.
    private static func reference(_ envoy: SimulatedEnvoy, stored: [Int]) -> [Int: [String: Int64]] {
        var totals: [Int: [String: Int64]] = [:]
        var last: [Int: [String: Int64]] = [:]
        var seen = Array(repeating: 0, count: stored.count)
        for message in envoy.messages {
            seen[message.stream] += 1
            guard seen[message.stream] <= stored[message.stream] else { continue }
            let process = envoy.streams[message.stream].process
            for metric in message.metrics where metric.kind == .counter {
                let value = Int64(metric.value)
                let before = last[process]?[metric.name] ?? 0
                totals[process, default: [:]][metric.name, default: 0] += value >= before ? value - before : value
                last[process, default: [:]][metric.name] = value
            }
        }
        return totals
    }
}
