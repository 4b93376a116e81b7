import Metering
import Testing

/// What is said of several senders under one name.
@Suite struct SenderWatchTests {
    private typealias Sender = SenderWatch.Sender
    private typealias Finding = SenderWatch.Finding

    private struct Senders {
        var watch = SenderWatch()
        var findings: [Finding] = []

        mutating func send(_ sender: Sender, _ amount: UInt64, at time: Timestamp) {
            if let finding = watch.hear(sender, at: time) { findings.append(finding) }
            watch.added(amount, by: sender)
        }
    }

    private let first = Sender(port: 1)
    private let second = Sender(port: 2)

    private func at(_ milliseconds: Int64) -> Timestamp {
        Timestamp(seconds: 1_730_808_000).advanced(byMicroseconds: milliseconds * 1000)
    }

    /// Flushes of 3, 4, 5, …
    private func amount(_ flush: Int64) -> UInt64 { UInt64(3 + flush) }

    @Test(
        "What is sent twice is told, whatever the interval, and whichever comes first",
        arguments: [Int64(500), 1000, 5000, 60_000], [false, true])
    func sentTwice(interval: Int64, alternates: Bool) {
        var senders = Senders()
        for flush in Int64(0)..<8 {
            let order = alternates && flush % 2 == 1 ? [second, first] : [first, second]
            for (place, sender) in order.enumerated() {
                let time = at(flush * interval + Int64(place) * 20)
                // Two payloads.
                senders.send(sender, amount(flush), at: time)
                senders.send(sender, 100, at: time)
            }
        }
        #expect(senders.findings == [.sentTwice])
    }

    @Test("Two Envoys under one name are told, whenever each flushes", arguments: [Int64(0), 100, 2500])
    func twoEnvoys(shift: Int64) {
        var senders = Senders()
        for flush in Int64(0)..<8 {
            senders.send(first, amount(flush), at: at(flush * 5000))
            senders.send(second, amount(flush) * 7, at: at(flush * 5000 + shift))
        }
        #expect(senders.findings == [.twoSenders])
    }

    @Test(
        "A restart is a successor: another port, another connection, at once or later",
        arguments: [Int64(300), 9_000])
    func restart(pause: Int64) {
        var senders = Senders()
        var start: Int64 = 0
        for port in UInt64(1)...5 {
            for flush in Int64(0)..<6 {
                senders.send(Sender(port: port), amount(flush), at: at(start + flush * 1000))
            }
            start += 5000 + pause
        }
        #expect(senders.findings == [])
    }

    @Test("A connection that was closed is no companion")
    func closed() {
        var senders = Senders()
        for port in UInt64(1)...9 {
            senders.send(Sender(port: port), 5, at: at(Int64(port) * 300))
            senders.watch.end(Sender(port: port))
        }
        #expect(senders.findings == [])
    }

    @Test("A socket for each datagram, as relays have, is no finding")
    func relay() {
        var senders = Senders()
        for port in UInt64(1)...1000 { senders.send(Sender(port: port), 1, at: at(Int64(port) * 100)) }
        #expect(senders.findings == [])
    }

    @Test("Envoy's worker threads, which send timers alone, are no senders, and idle ones say nothing")
    func idle() {
        var senders = Senders()
        for flush in Int64(0)..<10 {
            senders.send(first, 0, at: at(flush * 1000))
            senders.send(second, amount(flush), at: at(flush * 1000 + 5))
        }
        #expect(senders.findings == [])
        for flush in Int64(10)..<15 {
            senders.send(first, 1, at: at(flush * 1000))
            senders.send(second, 9, at: at(flush * 1000 + 5))
        }
        #expect(senders.findings == [.twoSenders])
    }

    @Test("A copy that loses lines on its way is a copy")
    func lossyCopy() {
        var senders = Senders()
        for flush in Int64(0)..<40 {
            senders.send(first, amount(flush), at: at(flush * 1000))
            senders.send(second, flush % 4 == 3 ? 1 : amount(flush), at: at(flush * 1000 + 5))
        }
        #expect(senders.findings == [.sentTwice])
    }
}
