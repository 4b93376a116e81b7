/// What a dimension will use in a stretch of time to come: the weeks before say how much by the hour of the week, and
/// the same forecast made on earlier days says how far it misses.
///
/// The forecast of a stretch is `expected`, the profile of the last two to four weeks laid over its hours. Made on each
/// of the days before, for a stretch of the same length as far ahead, it gives ratios of what came to what was expected.
/// P10, P50 and P90 are `expected` times the ratio of that rank: so a tenant that grows is forecast to grow, and one
/// that varies widely gets a wide range. All whole numbers: a ratio is kept as its two counts.
struct Outlook: Sendable {
    /// Earlier forecasts say how far one misses when there are so many, and the first lies so many days before the last.
    static let fewestTrials = 8
    static let fewestDays = 28
    private static let mostTrials = 60

    /// The share of cases at or below a value.
    enum Rank: Int, CaseIterable, Sendable {
        case p10 = 10
        case p50 = 50
        case p90 = 90
    }

    let profile: WeekProfile
    /// By ratio, ascending: what was expected, what came.
    private let trials: [(expected: Int64, came: Int64)]
    /// Whether enough earlier forecasts say how far one misses.
    let hasRange: Bool

    /// The outlook at a slot for a window that begins there or later. Nil where less than two weeks are known before.
    init?(_ history: UsageHistory, _ dimension: String, at origin: Int, window: Range<Int>, clock: WeekClock) {
        guard let profile = WeekProfile(history, dimension, before: origin, clock: clock) else { return nil }
        self.profile = profile
        let lead = window.lowerBound - origin
        // The newest trial ends where the known ends; each starts at the same time of day as this forecast.
        let newest = (origin - lead - window.count).flooredDown(toMultipleOf: 96, from: origin)
        let oldest = WeekProfile.weeks.lowerBound * WeekProfile.week
        var trials: [(expected: Int64, came: Int64)] = []
        var first = newest
        if newest >= oldest {
            let days = (newest - oldest) / 96 + 1
            let stride = 96 * max(1, days / Self.mostTrials)
            for start in Swift.stride(from: newest, through: oldest, by: -stride).prefix(Self.mostTrials) {
                let stretch = start + lead..<start + lead + window.count
                guard let then = WeekProfile(history, dimension, before: start, clock: clock) else { continue }
                let expected = then.expected(stretch, clock: clock)
                guard expected > 0 else { continue }
                trials.append((expected, history.total(dimension, stretch)))
                first = start
            }
        }
        hasRange = trials.count >= Self.fewestTrials && newest - first >= Self.fewestDays * 96
        self.trials = trials.sorted {
            $0.came.multipliedFullWidth(by: $1.expected) < $1.came.multipliedFullWidth(by: $0.expected)
        }
    }

    /// An expected quantity at a rank, rounded half up. Without a range it is taken as it is.
    func quantity(_ expected: Int64, at rank: Rank) -> Int64 {
        guard hasRange else { return expected }
        // Nearest rank: the smallest value that so many percent of the trials do not exceed.
        let trial = trials[(rank.rawValue * trials.count + 99) / 100 - 1]
        let exact = Int128(expected) * Int128(trial.came)
        return Int64(clamping: (exact + Int128(trial.expected) / 2) / Int128(trial.expected))
    }
}

extension Int {
    /// The largest number at or below this one that lies a multiple of `step` away from `origin`.
    fileprivate func flooredDown(toMultipleOf step: Int, from origin: Int) -> Int {
        let distance = origin - self
        return origin - (distance + step - 1) / step * step
    }
}

extension Int64 {
    fileprivate func multipliedFullWidth(by other: Int64) -> Int128 { Int128(self) * Int128(other) }
}
