/// How the forecast of requests did in past periods: each made from what was known at the same point of that period.
package struct BackTest: Sendable {
    /// One past period.
    package struct Trial: Hashable, Sendable {
        /// Its first local date.
        package let start: LocalDate
        /// Requests that were forecast for its end.
        package let p10: Int64
        package let p50: Int64
        package let p90: Int64
        /// Requests that came.
        package let counted: Int64
        /// Whether what came lay within P10 and P90, both included.
        package var isHeld: Bool { p10 <= counted && counted <= p90 }
    }

    /// At most so many periods are tried.
    static let mostPeriods = 12

    /// Ascending by start; only periods that were metered whole, after enough history for a range.
    package let trials: [Trial]
    /// How many of them held.
    package var held: Int { trials.count(where: \.isHeld) }

    /// Nothing was tried.
    static let none = BackTest(trials: [])

    private init(trials: [Trial]) { self.trials = trials }

    init(_ history: UsageHistory, period: BillingPeriod, clock: WeekClock) {
        let elapsed = history.end - period.startMicroseconds
        var trials: [Trial] = []
        var past = try? period.previous()
        for _ in 0..<Self.mostPeriods {
            guard let tried = past, tried.startMicroseconds >= history.start else { break }
            // A future period is forecast from before its start; so are those that it is held against.
            let length = tried.endMicroseconds - tried.startMicroseconds
            let origin = history.slot(of: tried.startMicroseconds + min(elapsed, length - UsageHistory.step))
            let start = history.slot(of: tried.startMicroseconds)
            let end = history.slot(of: tried.endMicroseconds)
            past = try? tried.previous()
            guard end <= history.length else { continue }
            guard origin >= 0 else { break }
            let window = max(origin, start)..<end
            guard let outlook = Outlook(history, "requests", at: origin, window: window, clock: clock),
                outlook.hasRange
            else { continue }
            let before = start < origin ? history.total("requests", start..<origin) : 0
            let expected = outlook.profile.expected(window, clock: clock)
            trials.append(
                Trial(
                    start: tried.startDate, p10: before.addingClamped(outlook.quantity(expected, at: .p10)),
                    p50: before.addingClamped(outlook.quantity(expected, at: .p50)),
                    p90: before.addingClamped(outlook.quantity(expected, at: .p90)),
                    counted: history.total("requests", start..<end)))
        }
        self.trials = trials.reversed()
    }
}
