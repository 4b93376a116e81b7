extension [TrafficHour] {
    /// Every hour that `[from, to)` touches (microseconds since 1970), idle where none is listed.
    ///
    /// A load balancer costs its hour without traffic too, and a begun hour whole: a metered month is filled before it
    /// is compared. Hours outside of the stretch stay.
    package func filled(from: Int64, to: Int64) -> [TrafficHour] {
        let listed = Set(map(\.start))
        let idle = stride(from: Instant.hourStart(from), to: to, by: Int64.Stride(Instant.hour))
            .filter { !listed.contains($0) }.map { TrafficHour(idle: $0) }
        return (self + idle).sorted { $0.start < $1.start }
    }

    /// The hours of a metered gateway for which a load balancer in its place would have been charged.
    ///
    /// From the period's start, or from the first traffic where metering began inside the period; to the period's end,
    /// or in a running period (`asOf` before its end) to the last hour with traffic.
    package func standing(periodStart: Int64, periodEnd: Int64, meteringSince: Int64, asOf: Int64) -> [TrafficHour] {
        guard let first = map(\.start).min(), let last = map(\.start).max() else { return [] }
        return filled(
            from: meteringSince > periodStart ? first : periodStart,
            to: asOf < periodEnd ? last + Instant.hour : periodEnd)
    }

    /// The same traffic in a month of `count` hours, 720 or 730: idle hours are added at the end or left away.
    ///
    /// Throws `.invalidInput` where more hours than that have traffic.
    package func month(ofHours count: Int) throws -> [TrafficHour] {
        let idle = filter(\.isIdle)
        guard (Swift.max(1, self.count - idle.count)...1_000_000).contains(count) else {
            throw LoadBalancerCostError(
                .invalidInput,
                "a month of \(count) hours can not hold this traffic: \(self.count - idle.count) hours have some; "
                    + "leave the option out for the hours as they are")
        }
        guard count < self.count else {
            let next = (map(\.start).max() ?? -Instant.hour) + Instant.hour
            let added = (0..<(count - self.count)).map { TrafficHour(idle: next + Int64($0) * Instant.hour) }
            return self + added
        }
        let dropped = Set(idle.map(\.start).sorted().suffix(self.count - count))
        return filter { !dropped.contains($0.start) }
    }
}

extension TrafficHour {
    /// An hour without traffic.
    package init(idle start: Int64) {
        self.init(start: start, requests: 0, newConnections: 0, activeConnections: .zero, bytes: 0)
    }

    /// Nothing went through.
    package var isIdle: Bool {
        requests.isZero && newConnections.isZero && activeConnections.isZero && bytes.isZero && lambdaBytes.isZero
            && (ruleEvaluations?.isZero ?? true)
    }
}
