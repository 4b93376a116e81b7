/// Whether several senders give deltas to one odometer, and whether they give the same. Pure.
///
/// Whatever comes counts: a delta says neither who sent it nor that it was sent before, and two Envoys under one name may
/// well count the same. But the sinks of one Envoy send the same snapshot at the same moment. So each flush of a sender is
/// compared, by its mark (what it adds, by counter), with what those that were heard before it sent at that moment; three
/// equal ones in a row say that it is a copy, three in a row that are not, that it is another Envoy. Flushes that add nothing
/// say nothing.
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

    /// What was found out; said once a sender.
    package enum Finding: String, Sendable {
        case sentTwice = "sent_twice"
        case twoSenders = "two_senders"
    }

    private struct Flush: Sendable {
        let start: Timestamp
        var mark: UInt64 = 0
    }

    private struct Known: Sendable {
        let sender: Sender
        var lastHeard: Timestamp
        var current: Flush
        var done: [Flush] = []
        var adds = false
        var equal = 0
        var unequal = 0
        var said: [Finding] = []

        init(_ sender: Sender, _ time: Timestamp) {
            self.sender = sender
            lastHeard = time
            current = Flush(start: time)
        }

        /// What was sent at a moment.
        func mark(at moment: Timestamp) -> UInt64? {
            (done + [current]).last { abs($0.start.microseconds(since: moment)) <= SenderWatch.together }?.mark
        }
    }

    /// In a row.
    private static let decisive = 3
    /// Between two payloads of one flush there is less. Unit: microseconds, as all here.
    private static let pause: Int64 = 200_000
    private static let longestFlush: Int64 = 5_000_000
    /// Flushes of one snapshot begin closer to one another than this.
    private static let together: Int64 = 250_000
    /// Flushes of each that are kept for those of another.
    private static let kept = 4
    private static let mostSenders = 64

    /// In the order in which they were heard first; nearly always one.
    private var senders: [Known] = []

    package init() {}

    /// Something of a sender has come, to be followed by `added` when it was read.
    package mutating func hear(_ sender: Sender, at time: Timestamp) -> Finding? {
        guard let index = senders.firstIndex(where: { $0.sender == sender }) else {
            if senders.count == Self.mostSenders {
                senders.remove(at: senders.indices.min { senders[$0].lastHeard < senders[$1].lastHeard }!)
            }
            senders.append(Known(sender, time))
            return nil
        }
        let silence = time.microseconds(since: senders[index].lastHeard)
        senders[index].lastHeard = max(senders[index].lastHeard, time)
        let flush = senders[index].current
        guard silence >= Self.pause || time.microseconds(since: flush.start) >= Self.longestFlush else { return nil }
        defer {
            senders[index].done = senders[index].done.suffix(Self.kept - 1) + [flush]
            senders[index].current = Flush(start: time)
        }
        guard flush.mark != 0 else { return nil }
        // Since the flush before this one: who is heard no more has a successor, not a companion.
        let since = senders[index].done.last?.start ?? flush.start
        let others = senders[..<index].filter { $0.adds && $0.lastHeard >= since }
        guard !others.isEmpty else { return nil }
        return compare(index, isEqual: others.contains { $0.mark(at: flush.start) == flush.mark })
    }

    /// What a sender's payload has added, as the difference of the odometer's marks.
    package mutating func added(_ mark: UInt64, by sender: Sender) {
        guard mark != 0, let index = senders.firstIndex(where: { $0.sender == sender }) else { return }
        senders[index].current.mark &+= mark
        senders[index].adds = true
    }

    /// A sender has ended: its connection was closed.
    package mutating func end(_ sender: Sender) { senders.removeAll { $0.sender == sender } }

    private mutating func compare(_ index: Int, isEqual: Bool) -> Finding? {
        senders[index].equal = isEqual ? senders[index].equal + 1 : 0
        senders[index].unequal = isEqual ? 0 : senders[index].unequal + 1
        guard max(senders[index].equal, senders[index].unequal) >= Self.decisive else { return nil }
        let finding: Finding = isEqual ? .sentTwice : .twoSenders
        guard !senders[index].said.contains(finding) else { return nil }
        senders[index].said.append(finding)
        return finding
    }
}
