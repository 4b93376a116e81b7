import Metering
import Pricing
import Reports

/// Months of usage made for these tests: more by day than by night, less at weekends; clocks are set in each.
struct SampleUsage: Sendable {
    var tenant = "acme"
    var month = "2026-10"
    var zone = "Europe/Berlin"
    var asOf = "2026-11-02T09:30:00Z"
    /// Their names, and requests of the busiest hour.
    var services: [(String, Int64)] = [
        ("search", 2_400_000), ("checkout", 900_000), ("catalogue-images", 400_000), ("reports", 30_000),
        ("ledger-export", 9_000), ("mail", 700), ("probes", 60), ("legacy", 1),
    ]
    var gaps: [MonthlyUsage.GapReport] = [
        .init(
            gateway: "edge", instance: "envoy-7f9c-00", from: "2026-10-14T03:05:00Z", to: "2026-10-14T05:09:30Z",
            reason: "tail_lost", lower: 0, upper: 412_000, basis: "rate"),
        .init(
            gateway: "edge", instance: "envoy-7f9c-01", from: "2026-10-22T13:05:00Z", to: "2026-10-22T16:09:30Z",
            reason: "stream_down", lower: 17, upper: nil),
    ]

    func paper() throws -> UsagePaper {
        let period = try BillingPeriod(month: month, zone: zone)
        let end = min(period.endMicroseconds, Timestamp(asOf)?.microseconds ?? period.endMicroseconds)
        var hours: [(start: Timestamp, requests: Int64)] = []
        var byDay: [String: [Int64]] = [:]
        for start in stride(from: period.startMicroseconds, to: end, by: 3_600_000_000) where !services.isEmpty {
            let date = try period.zone.date(at: start)
            let hour = Int64(period.zone.hour(at: start))
            let share = (24 - abs(hour - 13)) * (date.dayNumber % 7 < 2 ? 3 : 5)
            let counts = services.map { $0.1 * share / 120 }
            hours.append((Timestamp(microseconds: start), counts.reduce(0, +)))
            byDay[date.description] = zip(byDay[date.description] ?? services.map { _ in 0 }, counts).map(+)
        }
        var all = Quantities()
        let groups = byDay.sorted { $0.key < $1.key }.flatMap { day, counts in
            zip(services, counts).map { service, count in
                var quantities = Quantities()
                quantities.counts = [.requests: count]
                all.counts[.requests, default: 0] += count
                return MonthlyUsage.Group(service: service.0, gateway: nil, day: day, dimensions: quantities)
            }
        }
        let requests = all[.requests]
        all.counts[.newConnections] = requests / 37
        all.counts[.receivedBytes] = requests * 700
        all.counts[.sentBytes] = requests * 7_681
        all.counts[.responses2xx] = requests - requests / 50
        all.counts[.responses4xx] = requests / 50
        all.activeConnectionsMaximum = 1_204
        let first = Timestamp(microseconds: period.startMicroseconds)
        let lost = Coverage.Life(
            started: first, observedFrom: first,
            lastReading: first.advanced(byMicroseconds: 2_000_000_000_000), isDrained: false,
            successorStarted: first.advanced(byMicroseconds: 2_007_470_000_000), isInherited: false)
        let coverage = Coverage(
            lives: gaps.isEmpty ? [] : [lost], from: first, to: Timestamp(microseconds: period.endMicroseconds),
            asOf: Timestamp(microseconds: end))
        return try UsagePaper(
            MonthlyUsage(
                tenant: tenant,
                period: .init(month: month, zone: zone, start: period.start, end: period.end, asOf: asOf),
                dimensions: all, coverage: .init(coverage, gaps: gaps), groups: groups),
            period: period, hours: hours)
    }
}
