/// The hours of the local week of each quarter hour from a start on.
struct WeekClock: Sendable {
    /// 0 to 167, one for each slot.
    let hours: [UInt8]

    /// For `count` slots from an instant, which is a quarter hour in microseconds since 1970.
    init(zone: BillingZone, start: Int64, count: Int) {
        hours = (0..<max(0, count)).map { slot in
            UInt8(clamping: zone.hourOfWeek(at: start + Int64(slot) * UsageHistory.step))
        }
    }
}

/// What a dimension uses in each hour of the week, as the weeks just before an instant say.
struct WeekProfile: Sendable {
    /// Slots of a week.
    static let week = 672
    /// The weeks that a profile is made of, as far as they are known.
    static let weeks = 2...4

    /// Units by hour of the week, and the quarter hours that they were counted in.
    private(set) var units = [Int64](repeating: 0, count: 168)
    private(set) var slots = [Int64](repeating: 0, count: 168)

    /// Nil where less than two weeks are known before the slot.
    init?(_ history: UsageHistory, _ dimension: String, before origin: Int, clock: WeekClock) {
        let weeks = min(Self.weeks.upperBound, origin / Self.week)
        guard weeks >= Self.weeks.lowerBound, origin <= history.length else { return nil }
        let sums = history.sums(of: dimension)
        // By the stretches of one hour: sums are looked up at their ends alone.
        var first = origin - weeks * Self.week
        while first < origin {
            let hour = clock.hours[first]
            var end = first + 1
            while end < origin, clock.hours[end] == hour { end += 1 }
            if let sums { units[Int(hour)] += sums[end] - sums[first] }
            slots[Int(hour)] += Int64(end - first)
            first = end
        }
    }

    /// What so many quarter hours of each hour of the week use, rounded half up for each hour.
    func expected(_ quarterHours: [Int64]) -> Int64 {
        var sum: Int128 = 0
        for hour in quarterHours.indices where slots[hour] > 0 && quarterHours[hour] > 0 {
            let exact = Int128(units[hour]) * Int128(quarterHours[hour])
            sum += (exact + Int128(slots[hour]) / 2) / Int128(slots[hour])
        }
        return Int64(clamping: sum)
    }

    /// What a stretch of slots uses.
    func expected(_ window: Range<Int>, clock: WeekClock) -> Int64 {
        var quarterHours = [Int64](repeating: 0, count: 168)
        for slot in window { quarterHours[Int(clock.hours[slot])] += 1 }
        return expected(quarterHours)
    }
}
