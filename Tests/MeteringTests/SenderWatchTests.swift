import Metering
import Testing

/// Which of several senders under one name count.
@Suite struct SenderWatchTests {
    private typealias Sender = SenderWatch.Sender

    /// Odometers as a worker has them: one that counts, and what is held of others.
    private struct Worker {
        var watch = SenderWatch()
        var counted: UInt64 = 0
        var held: [Sender: UInt64] = [:]
        var findings: [SenderWatch.Finding] = []

        mutating func send(_ sender: Sender, _ amount: UInt64, at time: Timestamp) {
            switch watch.hear(sender, at: time) {
            case .counts: counted += amount
            case .joins: counted += amount + (held.removeValue(forKey: sender) ?? 0)
            case .succeeds:
                counted += amount
                held[sender] = nil
            case .held: held[sender, default: 0] += amount
            case .repeats: held[sender] = amount
            }
            watch.added(amount, by: sender)
            findings += watch.takeFindings()
        }

        mutating func settle(_ ended: [(sender: Sender, counts: Bool)]) {
            for (sender, counts) in ended {
                let amount = held.removeValue(forKey: sender) ?? 0
                if counts { counted += amount }
            }
        }
    }

    private let first = Sender(port: 1)
    private let second = Sender(port: 2)

    private func at(_ milliseconds: Int64) -> Timestamp {
        Timestamp(seconds: 1_730_808_000).advanced(byMicroseconds: milliseconds * 1000)
    }

    /// Flushes of 3, 4, 5, …, each in two payloads.
    private func amount(_ flush: Int64) -> UInt64 { UInt64(3 + flush) }

    @Test(
        "What is sent twice counts once, whatever the interval, and whichever comes first",
        arguments: [Int64(500), 1000, 5000, 60_000], [false, true])
    func sentTwice(interval: Int64, alternates: Bool) {
        var worker = Worker()
        var sent: UInt64 = 0
        for flush in Int64(0)..<20 {
            let order = alternates && flush % 2 == 1 ? [second, first] : [first, second]
            for (place, sender) in order.enumerated() {
                let time = at(flush * interval + Int64(place) * 20)
                worker.send(sender, amount(flush), at: time)
                worker.send(sender, 100, at: time)
            }
            sent += amount(flush) + 100
        }
        worker.settle(worker.watch.end())
        #expect(worker.counted == sent)
        #expect(worker.findings.first == .sentTwice && !worker.findings.contains(.twoSenders))
    }

    @Test("Two Envoys under one name count both, from their first flush on", arguments: [Int64(0), 100, 2500])
    func twoEnvoys(shift: Int64) {
        var worker = Worker()
        var sent: UInt64 = 0
        for flush in Int64(0)..<8 {
            worker.send(first, amount(flush), at: at(flush * 5000))
            worker.send(second, amount(flush) * 7, at: at(flush * 5000 + shift))
            sent += amount(flush) * 8
        }
        #expect(worker.counted == sent)
        #expect(worker.findings == [.twoSenders])
    }

    @Test("A restarted Envoy sends from another port: nothing of it is lost, and no alarm is raised")
    func restart() {
        var worker = Worker()
        var sent: UInt64 = 0
        for (sender, start) in [(first, Int64(0)), (second, 26_000), (Sender(port: 3), 60_000)] {
            for flush in Int64(0)..<6 {
                worker.send(sender, amount(flush), at: at(start + flush * 5000))
                sent += amount(flush)
            }
        }
        #expect(worker.counted == sent)
        #expect(worker.findings == [])
    }

    @Test("Where one of the two goes, the other counts on, and nothing twice")
    func oneEnds() {
        var worker = Worker()
        var sent: UInt64 = 0
        for flush in Int64(0)..<20 {
            if flush < 10 { worker.send(first, amount(flush), at: at(flush * 1000)) }
            worker.send(second, amount(flush), at: at(flush * 1000 + 5))
            sent += amount(flush)
        }
        #expect(worker.counted == sent)
    }

    @Test("A connection that is closed is followed at once; one that is held and closed counts, unless it was a copy")
    func connections() {
        var worker = Worker()
        worker.send(first, 5, at: at(0))
        worker.settle([(first, worker.watch.end(first))])
        worker.send(second, 6, at: at(300))
        #expect(worker.counted == 11)
        let third = Sender(port: 3)
        for flush in Int64(1)...2 {
            worker.send(second, amount(flush), at: at(flush * 1000))
            worker.send(third, 50, at: at(flush * 1000 + 1))
        }
        worker.settle([(third, worker.watch.end(third))])
        #expect(worker.counted == 11 + amount(1) + amount(2) + 100)
        let copy = Sender(port: 4)
        for flush in Int64(3)...6 {
            worker.send(second, amount(flush), at: at(flush * 1000))
            worker.send(copy, amount(flush), at: at(flush * 1000 + 1))
        }
        worker.settle([(copy, worker.watch.end(copy))])
        #expect(worker.counted == 111 + (1...6).reduce(UInt64(0)) { $0 + amount($1) })
    }

    @Test("An Envoy that lives for one flush or two, and sends it twice, counts once", arguments: [Int64(1), 2, 3, 4])
    func shortLives(flushes: Int64) {
        var worker = Worker()
        for flush in 0..<flushes {
            worker.send(first, amount(flush), at: at(flush * 1000))
            worker.send(second, amount(flush), at: at(flush * 1000 + 5))
        }
        worker.settle(worker.watch.ended(at: at(60_000)))
        #expect(worker.counted == (0..<flushes).reduce(UInt64(0)) { $0 + amount($1) })
        #expect(worker.held.isEmpty)
    }

    @Test("Flushes of zeros say nothing: two that are idle are told apart when they are not")
    func idle() {
        var worker = Worker()
        for flush in Int64(0)..<10 {
            worker.send(first, 0, at: at(flush * 1000))
            worker.send(second, 0, at: at(flush * 1000 + 5))
        }
        #expect(worker.findings == [])
        for flush in Int64(10)..<15 {
            worker.send(first, 1, at: at(flush * 1000))
            worker.send(second, 9, at: at(flush * 1000 + 5))
        }
        #expect(worker.counted == 50)
        #expect(worker.findings == [.twoSenders])
    }

    @Test("A copy that loses lines on its way stays a copy")
    func lossyCopy() {
        var worker = Worker()
        var sent: UInt64 = 0
        for flush in Int64(0)..<40 {
            worker.send(first, amount(flush), at: at(flush * 1000))
            worker.send(second, flush % 4 == 3 ? 1 : amount(flush), at: at(flush * 1000 + 5))
            sent += amount(flush)
        }
        #expect(worker.counted == sent)
        #expect(worker.findings == [.sentTwice])
    }
}
