/// What is done to traffic before it is priced, each said in a note.
package struct TrafficAdjustments: Hashable, Sendable {
    /// An NLB's health checks per hour and target, and how many targets: connections that are only those are taken off.
    package struct HealthChecks: Hashable, Sendable {
        package var perHourAndTarget: Int64
        package var targets: Int64

        package init(perHourAndTarget: Int64, targets: Int64) {
            self.perHourAndTarget = perHourAndTarget
            self.targets = targets
        }
    }

    package var healthChecks: HealthChecks?
    /// Where requests match, for the rules processed; hours that name their evaluations keep them.
    package var routes: RouteCounts?
    /// For how many hours a load balancer is charged: 720, 730; nil: for those of the series.
    package var hours: Int64?

    package init() {}

    /// The series, and what was done.
    ///
    /// `isPattern` decides what `hours` means: a pattern is repeated; other hours get idle ones beside them or lose idle
    /// ones, and no traffic. `assumptions.rules` becomes the mean of the route counts.
    package func series(
        _ listed: [TrafficHour], repeats: Int64 = 1, isPattern: Bool, freeRules: Int64, _ assumptions: inout Assumptions
    ) throws -> (series: TrafficSeries, notes: [String]) {
        var listed = listed
        var notes: [String] = []
        if let healthChecks {
            let (rest, taken) = try listed.withoutHealthChecks(
                perHourAndTarget: healthChecks.perHourAndTarget, targets: healthChecks.targets)
            listed = rest
            notes.append(
                "\(Counted.grouped(try (taken * repeats).decimal(places: 0))) new connections are only health checks and "
                    + "were taken off (\(healthChecks.perHourAndTarget) an hour and target, "
                    + "\(Counted.text(healthChecks.targets, "target")))")
        }
        if let routes {
            let charged = try routes.evaluationsPerRequest(free: freeRules)
            let mean = try routes.rulesPerRequest()
            listed = try listed.map { hour in
                var hour = hour
                hour.ruleEvaluations = try hour.ruleEvaluations ?? hour.requests * charged
                return hour
            }
            try assumptions.set(
                .rules, to: "\(mean.roundedUp)", source: "\(routes.source), the mean of its routes rounded up")
            notes.append(
                "rules processed: \(mean.decimal(places: 2)) a request on the mean of \(routes.source), of which "
                    + "\(charged.decimal(places: 2)) are charged")
        }
        guard let hours else { return (try TrafficSeries(listed, repeats: repeats), notes) }
        let (series, note) =
            try isPattern ? Self.pattern(listed, repeats, hours: hours) : Self.month(listed, ofHours: hours)
        return (series, notes + [note])
    }

    /// Idle hours are added at the end or left away; where that does not suffice, hours with traffic go uncharged.
    private static func month(_ listed: [TrafficHour], ofHours hours: Int64) throws -> (TrafficSeries, String) {
        try check(hours)
        let busy = listed.count { !$0.isIdle }
        guard hours >= busy else {
            let series = try TrafficSeries(listed.month(ofHours: busy)).charged(hours: hours)
            return (
                series,
                "charged as a month of \(hours) hours (--hours), though \(busy) have traffic: their capacity units are all in"
            )
        }
        let series = try TrafficSeries(listed.month(ofHours: Int(hours)))
        return (series, "a month of \(hours) hours (--hours) in place of \(listed.count)")
    }

    /// The listed hours again and again until there are so many.
    private static func pattern(
        _ listed: [TrafficHour], _ repeats: Int64, hours: Int64
    ) throws -> (TrafficSeries, String) {
        try check(hours)
        let series = try TrafficSeries(listed, repeats: repeats)
        let count = Int64(listed.count)
        guard hours >= count else { return try month(listed, ofHours: hours) }
        if hours % count == 0 {
            return (
                try series.repeated(toHours: hours),
                "\(hours) hours (--hours): the \(count) listed, \(hours / count) times"
            )
        }
        let start = listed.map(\.start).min() ?? 0
        let ordered = repeats == 1 ? listed.sorted { $0.start < $1.start } : listed
        let filled = (0..<hours).map { index in
            var hour = ordered[Int(index % count)]
            hour.start = start + index * Instant.hour
            return hour
        }
        return (
            try TrafficSeries(filled),
            "\(hours) hours (--hours): the \(count) listed, again and again until there are so many"
        )
    }

    private static func check(_ hours: Int64) throws {
        guard (1...1_000_000).contains(hours) else {
            throw LoadBalancerCostError(.invalidInput, "--hours is \(hours): give 720, 730 or a month's own")
        }
    }
}
