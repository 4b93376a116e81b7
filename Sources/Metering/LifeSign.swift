/// How an Envoy process showed itself in one flush: what epochs are told apart by where there is no boot id.
package struct LifeSign: Hashable, Sendable {
    /// A longer uptime (317 years) is no uptime, and would overflow the arithmetic.
    package static let longestUptime: Int64 = 10_000_000_000

    /// `server.uptime`. Unit: whole seconds: Envoy takes its clock's second at the start from that of now, so it may be up
    /// to a second too large or too small. Wrong while a hot-restarted parent lives.
    package var uptime: Int64?
    /// `server.hot_restart_epoch`; absent on the wire until it is above 0.
    package var hotRestartEpoch: Int64 = 0
    /// `server.state`: 0 live, 1 draining.
    package var state: Int64?
    /// The flush's time by Envoy's clock, and by the worker's.
    package var sentAt: Timestamp
    package var receivedAt: Timestamp
    /// Draining and without a request under way: the mark of an orderly end (rule 10).
    package var isDrained = false

    package init(
        uptime: Int64? = nil, hotRestartEpoch: Int64 = 0, state: Int64? = nil,
        sentAt: Timestamp = Timestamp(microseconds: 0), receivedAt: Timestamp = Timestamp(microseconds: 0)
    ) {
        self.uptime = uptime
        self.hotRestartEpoch = hotRestartEpoch
        self.state = state
        self.sentAt = sentAt
        self.receivedAt = receivedAt
    }

    /// When the process began, by its uptime and the earlier of both clocks: a clock that runs ahead does not make it
    /// look younger. It began within the clock's second that this falls into. Nil without an uptime.
    package var startedAt: Timestamp? {
        guard let uptime else { return nil }
        var seen = receivedAt
        if abs(sentAt.microseconds(since: receivedAt)) <= StreamTape.largestClockDifference { seen = min(seen, sentAt) }
        return seen.advanced(byMicroseconds: -uptime * 1_000_000)
    }
}

/// What is stored of one life of an instance.
package struct EpochRecord: Hashable, Sendable {
    package var id: Int64
    package var bootID: String?
    /// Each source tells the lives of an instance for itself: none ends or opens what another one read.
    package var source: SourceKind
    package var first: LifeSign
    package var last: LifeSign

    package init(
        id: Int64, bootID: String?, source: SourceKind = .metricsService, first: LifeSign, last: LifeSign
    ) {
        self.id = id
        self.source = source
        self.bootID = bootID
        self.first = first
        self.last = last
    }
}

/// Which life of its instance a stream belongs to (rules 3, 4 and 6). Decided once per stream.
package enum EpochRules {
    package enum Decision: Hashable, Sendable {
        /// The stream goes on with a known epoch. `undecided`: there was no uptime to tell.
        case known(Int64, undecided: Bool)
        case new
    }

    private enum Comparison {
        case same
        case new
        case undecided
    }

    /// How far two estimates of one process's start may be apart: an uptime is in whole seconds.
    private static let startTolerance: Int64 = 1_500_000

    /// - Parameter epochs: the instance's known epochs, in any order.
    package static func decide(bootID: String?, sign: LifeSign, epochs: [EpochRecord]) -> Decision {
        if let bootID {
            return epochs.first { $0.bootID == bootID }.map { .known($0.id, undecided: false) } ?? .new
        }
        let ordered = epochs.filter { $0.bootID == nil }.sorted { $0.first.receivedAt < $1.first.receivedAt }
        // Another worker may have stored later readings of this same process already: its start tells.
        if let same = ordered.last(where: { haveOneStart($0.first, sign) }) {
            return .known(same.id, undecided: false)
        }
        if let before = ordered.last(where: { $0.first.receivedAt <= sign.receivedAt }) {
            switch compare(before.last, with: sign) {
            case .same: return .known(before.id, undecided: false)
            case .undecided: return .known(before.id, undecided: true)
            case .new: break
            }
        }
        if let after = ordered.first(where: { $0.first.receivedAt > sign.receivedAt }) {
            switch compare(sign, with: after.first) {
            case .same: return .known(after.id, undecided: false)
            case .undecided: return .known(after.id, undecided: true)
            case .new: break
            }
        }
        return .new
    }

    /// Whether a new epoch is billed from 0; else it has a baseline (rule 6). A process that began in the second in which
    /// metering did is billed: nobody else counted it.
    ///
    /// - Parameter meteringSince: when the gateway was declared, else when the database was made; nil for always.
    package static func opensAtZero(
        source: SourceKind = .metricsService, sign: LifeSign, instanceIsMetered: Bool, meteringSince: Timestamp?
    ) -> Bool {
        // A pull sees live values: a hot-restarted process shows again what its parent had shown and not yet flushed.
        if source == .prometheus, sign.hotRestartEpoch > 0 { return false }
        guard let meteringSince, !instanceIsMetered else { return true }
        guard let started = sign.startedAt else { return false }
        return started.second >= meteringSince.second
    }

    private static func haveOneStart(_ left: LifeSign, _ right: LifeSign) -> Bool {
        guard left.hotRestartEpoch == 0, right.hotRestartEpoch == 0 else { return false }
        guard let leftUptime = left.uptime, let rightUptime = right.uptime else { return false }
        let lived = (rightUptime - leftUptime) * 1_000_000
        return elapsed(from: left, to: right).allSatisfy { abs($0 - lived) <= startTolerance }
    }

    /// Whether a later sign is of the same process as an earlier one. A stepped clock or a late message must not make
    /// an epoch, so both clocks have to agree.
    private static func compare(_ earlier: LifeSign, with later: LifeSign) -> Comparison {
        guard earlier.hotRestartEpoch == later.hotRestartEpoch else { return .new }
        guard let uptime = later.uptime else { return .undecided }
        let spans = elapsed(from: earlier, to: later)
        if spans.allSatisfy({ (uptime + 1) * 1_000_000 < $0 }) { return .new }
        if later.hotRestartEpoch == 0, let known = earlier.uptime {
            let fallsShort = spans.allSatisfy { uptime * 1_000_000 + startTolerance < known * 1_000_000 + $0 }
            if fallsShort { return .new }
        }
        return .same
    }

    /// The time between two signs by Envoy's clock and by the workers'.
    private static func elapsed(from earlier: LifeSign, to later: LifeSign) -> [Int64] {
        [later.sentAt.microseconds(since: earlier.sentAt), later.receivedAt.microseconds(since: earlier.receivedAt)]
    }
}
