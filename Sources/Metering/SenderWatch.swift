/// Who sends deltas to one odometer: so that what one Envoy sends twice counts once, and two Envoys under one name count
/// both. Pure.
///
/// A delta says neither who sent it nor that it was sent before. But the sinks of one Envoy send the same snapshot at the
/// same moment. So a second sender, while the first one is alive, is held; of each flush of it the odometer's mark (what
/// it adds, by counter) is compared with that of the others at that moment:
///
/// - three in a row equal: it is sent twice. It stays held, and what is held is let go of flush by flush. Ten in a row that
///   are not equal would end that.
/// - three in a row not equal: it is another Envoy. What was held counts, and from then on all it sends.
/// - nobody else is heard any more: it is the first one's successor (a restart, another connection), and counts; what was
///   held too, unless the first one has sent it.
///
/// Zero flushes say nothing. Senders that add nothing (Envoy's worker threads send timers alone) are not to be given to it.
package struct SenderWatch: Sendable {
    /// A sender: an address and port, a connection, a stream.
    package struct Sender: Hashable, Sendable {
        /// Of several that are declared to be one, those of one address alone are compared.
        package let address: UInt64
        package let port: UInt64

        package init(address: UInt64 = 0, port: UInt64) {
            self.address = address
            self.port = port
        }
    }

    /// What is to be done with what a sender has sent now.
    package enum Hearing: Hashable, Sendable {
        case counts
        /// It counts from here on, and so does what was held of it.
        case joins
        case held
        /// It counts from here on; what was held of it, another has sent too.
        case succeeds
        /// It is held. What was held of it before, another has sent too: it is let go of.
        case repeats
    }

    /// What was found out; said once a sender and finding.
    package enum Finding: Hashable, Sendable {
        case sentTwice
        case twoSenders
    }

    /// In a row.
    private static let decisive = 3
    private static let decisiveAgainst = 10
    /// Between two payloads of one flush there is less. Unit: microseconds, as all here.
    private static let pause: Int64 = 200_000
    /// Flushes of one snapshot begin closer to one another than this, or than a quarter of the flush interval.
    private static let together: Int64 = 250_000
    private static let longestFlush: Int64 = 5_000_000
    private static let usualInterval: Int64 = 5_000_000
    /// Senders that are told apart; more count unwatched.
    private static let most = 64

    /// One sender's flushes.
    private struct Pulse: Sendable {
        var last: Timestamp
        var start: Timestamp
        var mark: UInt64 = 0
        var done: [(start: Timestamp, mark: UInt64)] = []

        /// The longest of the last ones: a flush that was held up on its way looks like two.
        var interval: Int64 {
            let starts = done.map(\.start) + [start]
            let known = zip(starts.dropFirst(), starts).map { $0.microseconds(since: $1) }
            return max(known.max() ?? 0, known.count < 3 ? usualInterval : pause)
        }

        init(_ time: Timestamp) {
            (last, start) = (time, time)
        }

        /// Returns the flush that has ended.
        mutating func hear(_ time: Timestamp) -> (start: Timestamp, mark: UInt64)? {
            defer { last = max(last, time) }
            guard time.microseconds(since: last) >= pause || time.microseconds(since: start) >= longestFlush else {
                return nil
            }
            let ended = (start, mark)
            done.append(ended)
            if done.count > 4 { done.removeFirst() }
            (start, mark) = (time, 0)
            return ended
        }

        /// What was sent at a moment; nil for nothing.
        func mark(at moment: Timestamp) -> UInt64? {
            func distance(_ flush: (start: Timestamp, mark: UInt64)) -> Int64 {
                abs(flush.start.microseconds(since: moment))
            }
            let nearest = (done + [(start, mark)]).min { distance($0) < distance($1) }
            return nearest.flatMap { distance($0) <= max(together, interval / 4) ? $0.mark : nil }
        }

        func isAlive(_ time: Timestamp) -> Bool {
            time.microseconds(since: last) <= max(interval + interval / 2, 1_000_000)
        }
    }

    private struct Held: Sendable {
        var pulse: Pulse
        var equal = 0
        var unequal = 0
        var isRepeat = false
    }

    private struct Counting: Sendable {
        let sender: Sender
        var pulse: Pulse
    }

    /// Nearly always one: looked through faster than hashed.
    private var counting: [Counting] = []
    private var held: [Sender: Held] = [:]
    private var findings: [Finding] = []

    package init() {}

    /// Something of a sender has come that adds to counters. To be followed by `added` when it was read.
    package mutating func hear(_ sender: Sender, at time: Timestamp) -> Hearing {
        if let index = counting.firstIndex(where: { $0.sender == sender }) {
            _ = counting[index].pulse.hear(time)
            return .counts
        }
        let others = counting
        counting = counting.filter { $0.pulse.isAlive(time) }
        guard var known = held[sender] else {
            guard !counting.isEmpty, counting.count + held.count < Self.most else {
                counting.append(Counting(sender: sender, pulse: Pulse(time)))
                return .counts
            }
            held[sender] = Held(pulse: Pulse(time))
            return .held
        }
        defer { if held[sender] != nil { held[sender] = known } }
        let ended = known.pulse.hear(time)
        let marks = ended.map { ended in others.map { $0.pulse.mark(at: ended.start) ?? 0 } } ?? []
        let isEqual = ended.map { $0.mark != 0 && marks.contains($0.mark) } ?? false
        if counting.isEmpty {
            join(sender, known)
            return isEqual || (known.isRepeat && ended == nil) ? .succeeds : .joins
        }
        guard let ended, ended.mark != 0 || marks.contains(where: { $0 != 0 }) else { return .held }
        if isEqual {
            (known.equal, known.unequal) = (known.equal + 1, 0)
            guard known.equal >= Self.decisive else { return .held }
            if !known.isRepeat { findings.append(.sentTwice) }
            known.isRepeat = true
            return .repeats
        }
        (known.equal, known.unequal) = (0, known.unequal + 1)
        guard known.unequal >= (known.isRepeat ? Self.decisiveAgainst : Self.decisive) else { return .held }
        findings.append(.twoSenders)
        join(sender, known)
        return .joins
    }

    /// What a sender's payload has added, as the difference of the odometer's marks.
    package mutating func added(_ mark: UInt64, by sender: Sender) {
        if let index = counting.firstIndex(where: { $0.sender == sender }) {
            counting[index].pulse.mark &+= mark
        } else {
            held[sender]?.pulse.mark &+= mark
        }
    }

    /// A sender has ended: its connection was closed. What is held of it counts where this returns true.
    package mutating func end(_ sender: Sender) -> Bool {
        guard let known = held.removeValue(forKey: sender) else {
            counting.removeAll { $0.sender == sender }
            return false
        }
        // The flush under way was not compared yet.
        let pulse = known.pulse
        let isEqual = counting.contains { $0.pulse.mark(at: pulse.start) == pulse.mark }
        return known.equal == 0 && !isEqual
    }

    /// Senders that were held and are heard no more, with whether what is held of them counts: it does, unless what they
    /// sent last was sent by another too.
    package mutating func ended(at time: Timestamp) -> [(sender: Sender, counts: Bool)] {
        let silent = held.filter { time.microseconds(since: $0.value.pulse.last) > 3 * $0.value.pulse.interval }
        return silent.keys.map { ($0, end($0)) }
    }

    /// The watch is over, as `ended(at:)` for all.
    package mutating func end() -> [(sender: Sender, counts: Bool)] { held.keys.map { ($0, end($0)) } }

    /// What was found out since the last call.
    package mutating func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings
    }

    private mutating func join(_ sender: Sender, _ known: Held) {
        held[sender] = nil
        counting.append(Counting(sender: sender, pulse: known.pulse))
    }
}
