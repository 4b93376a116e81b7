import Metering
import Testing

/// Invariants 1 and 2: the merge of readings is idempotent, commutative and associative, and usage is Σ over epochs
/// and runs of (peak − opening).
@Suite struct MergeInvariantTests {
    /// What a ledger says of a delivery.
    private struct Statement: Equatable {
        /// Per name, each epoch's usage, sorted.
        var usage: [String: [Int64]] = [:]
        var derived: [QuarterHour: [CounterUsage]] = [:]
    }

    static let conditions = [true, false].flatMap { hasBootIDs in
        [0, -50, 58, 7200].map { SimulatedEnvoy.Conditions(hasBootIDs: hasBootIDs, clockOffset: $0) }
    }

    @Test("Merging in any order, with duplicates and old revisions, gives what the readings say", arguments: conditions)
    func usageEqualsTheReference(_ conditions: SimulatedEnvoy.Conditions) throws {
        for seed in UInt64(1)...16 {
            var random = SeededGenerator(seed: seed)
            let envoy = SimulatedEnvoy(conditions, using: &random)
            let delivery = try Delivery(envoy, using: &random)
            let comment: Comment = "seed \(seed), \(conditions)"

            var expected: [String: [Int64]] = [:]
            for (process, totals) in delivery.expected {
                for (name, usage) in totals {
                    expected[name, default: []].append(usage)
                    #expect(usage <= envoy.counted[process][name] ?? 0, comment)
                }
            }
            let first = try state(delivery.ledger, merging: delivery.staged)
            for (name, usage) in expected { #expect(first.usage[name] == usage.sorted(), "\(comment), \(name)") }
            #expect(Set(first.usage.keys) == Set(expected.keys), comment)
            for _ in 0..<3 {
                let repeated = delivery.staged + delivery.staged.filter { _ in random.chance(30) }
                let other = try state(delivery.ledger, merging: repeated.shuffled(using: &random))
                #expect(other == first, comment)
            }
        }
    }

    @Test("Revisions of a stream of deltas count once, in any order and however often they are merged")
    func deltas() throws {
        for seed in UInt64(1)...50 {
            var random = SeededGenerator(seed: seed)
            var staging = MemoryLedger()
            var staged: [Delivery.Staged] = []
            var sent: Int64 = 0
            for stream in 1...3 as ClosedRange<Int64> {
                let identity = StreamIdentity(gateway: "edge", instance: "envoy-1", bootID: "boot")
                var tape = StreamTape(stream: StreamID(rawValue: stream), temporality: .delta, collect: .everything)
                var now = Timestamp.at(12, 0, stream)
                for _ in 0..<30 {
                    now = now.plus(seconds: random.pick(1...300))
                    let delta = random.pick(0...9)
                    sent += delta
                    tape.feed(delta == 0 ? [] : [.counter("http.a", delta)], at: now)
                    guard random.chance(30) else { continue }
                    for segment in staging.stage(&tape, of: identity) {
                        staged.append(Delivery.Staged(segment: segment, identity: identity))
                    }
                    tape.forget(through: tape.latestRevision)
                }
                tape.end()
                for segment in staging.stage(&tape, of: identity) {
                    staged.append(Delivery.Staged(segment: segment, identity: identity))
                }
            }
            for _ in 0..<3 {
                var ledger = staging
                for item in (staged + staged.filter { _ in random.chance(50) }).shuffled(using: &random) {
                    ledger.merge(item.segment, of: item.identity)
                }
                #expect(try ledger.totals().map(\.usage) == [sent], "seed \(seed)")
            }
        }
    }

    private func state(_ ledger: MemoryLedger, merging staged: [Delivery.Staged]) throws -> Statement {
        var ledger = ledger
        for item in staged { ledger.merge(item.segment, of: item.identity) }
        var statement = Statement()
        var sums: [String: [Int64: Int64]] = [:]
        let names = Dictionary(uniqueKeysWithValues: ledger.names.enumerated().map { (Int64($0), $1) })
        var quarterHour = QuarterHour(containing: .at(9, 0))
        while quarterHour.start < .at(16, 0) {
            let derived = try ledger.usage(of: "envoy-1", in: quarterHour)
            for usage in derived.counters {
                check(usage, quarterHour)
                sums[names[usage.counter.rawValue] ?? "?", default: [:]][usage.epoch, default: 0] += usage.quantity
            }
            statement.derived[quarterHour] = derived.counters.sorted { ($0.epoch, $0.counter) < ($1.epoch, $1.counter) }
            #expect(!derived.gaps.contains { $0.reason == .identityConflict })
            #expect(!derived.hasTwoLives)
            quarterHour = quarterHour.next
        }
        statement.usage = sums.mapValues { $0.values.sorted() }
        for total in try ledger.totals() {
            #expect(total.usage == sums[total.name]?.values.reduce(0, +), "Σ quarter hours = total")
        }
        return statement
    }

    private func check(_ usage: CounterUsage, _ quarterHour: QuarterHour) {
        #expect(usage.quantity >= 0)
        #expect(usage.carriedIn >= 0 && usage.carriedIn <= usage.quantity)
        #expect((usage.carriedIn > 0) == (usage.carriedSince != nil))
        guard let since = usage.carriedSince, let until = usage.carriedUntil else { return }
        #expect(since < quarterHour.start && quarterHour.start <= until && until < quarterHour.end)
    }
}
