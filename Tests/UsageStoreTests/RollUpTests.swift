import Metering
import PostgreSQL
import Pricing
import Testing

@testable import UsageStore

/// Roll-ups are the sums of the quarter hours in their own [start, end), in every snapshot.
@Suite struct RollUpTests {
    /// Zones with the odd cases of these months: half-hour shifts, quarter-hour offsets, a skipped midnight.
    static let zones = [
        "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Chatham", "America/Havana",
    ]

    @Test(arguments: zones)
    func `Days and months of a zone are exact over a change of the clock`(zone: String) async throws {
        try await withStore(meteringSince: .at(0, 0)) { store in
            try await store.putShippedMetersInForce()
            // Before and after each month's edge, and each day's of the months with a change of the clock: each day and
            // month has a sum of its own.
            var (stream, times, total) = (Stream(1), [(Timestamp, Int64)](), Int64(0))
            var edges: [Timestamp] = []
            var month = try BillingPeriod(containing: Timestamp.at(1, 2).microseconds, zone: BillingZone(zone)).next()
            for _ in 0..<12 {
                edges.append(Timestamp(microseconds: month.startMicroseconds))
                if month.endMicroseconds - month.startMicroseconds != Int64(month.days) * 86_400_000_000 {
                    let change = month.localDays.firstIndex {
                        $0.endMicroseconds - $0.startMicroseconds != 86_400_000_000
                    }
                    for day in month.localDays.dropFirst(max(1, (change ?? 1) - 1)).prefix(4) {
                        edges.append(Timestamp(microseconds: day.startMicroseconds))
                    }
                }
                month = try month.next()
            }
            for (step, edge) in edges.enumerated() {
                for seconds in [-60, 60] as [Int64] {
                    let part = Int64(step) * 7 % 101 + (seconds < 0 ? 1 : 1000)
                    total += part
                    times.append((edge.plus(seconds: seconds), part))
                    stream.flush(at: edge.plus(seconds: seconds), requests: total, started: .at(1, 0))
                }
            }
            let time = edges[edges.count - 1].plus(seconds: 60)
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.aggregate().failures == [])
            try await store.keepRollUps(ofTenant: "acme", zone: zone)
            try await store.keepRollUps(ofTenant: "acme", zone: zone)

            var period = try BillingPeriod(containing: Timestamp.at(1, 2).microseconds, zone: BillingZone(zone))
            while period.startMicroseconds < time.microseconds {
                let month = period
                func sum(_ start: Int64, _ end: Int64) -> Int64 {
                    times.reduce(0) { $0 + ((start..<end).contains($1.0.microseconds) ? $1.1 : 0) }
                }
                let usage = try await store.monthlyUsage(
                    tenant: "acme", month: "m", zone: zone, from: Timestamp(microseconds: month.startMicroseconds),
                    to: Timestamp(microseconds: month.endMicroseconds), groupBy: [.day])
                #expect(usage.requests == sum(month.startMicroseconds, month.endMicroseconds))
                let days = Dictionary(
                    uniqueKeysWithValues: usage.groups.map { ($0.day ?? "", $0.dimensions[.requests]) })
                for day in month.localDays {
                    let expected = sum(day.startMicroseconds, day.endMicroseconds)
                    #expect(days[day.date.description] ?? 0 == expected, "\(zone) \(day.date)")
                }
                #expect(days.values.reduce(0, +) == usage.requests)
                period = try month.next()
            }
            let report = try await store.checkConservation(from: .at(0, 0), to: time)
            #expect(report.differences == [] && report.rollUps > 0)
            let bounds = try await store.number(
                "SELECT count(DISTINCT (starts_at, ends_at)) FROM consumption_rollup WHERE grain = 'month' AND zone = $1",
                [zone])
            #expect(bounds == 13)
        }
    }

    @Test func `A month is read from roll-ups, and neither from tapes nor from quarter hours`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var streams = CommitAndAggregateTests.traffic()
            try await store.commit(&streams)
            try await store.aggregate()
            try await store.keepRollUps(ofTenant: "acme", zone: "Europe/Berlin")
            let before = try await store.usage(of: "acme", by: [.service, .day, .gateway])
            try await store.pool.execute("TRUNCATE tape, consumption")
            let after = try await store.usage(of: "acme", by: [.service, .day, .gateway])
            #expect(
                after.dimensions == before.dimensions
                    && after.groups.map(\.dimensions) == before.groups.map(\.dimensions))
            // A month of a kept zone, and a day of a zone on whole hours that is not kept.
            for (zone, from, to) in [
                ("Europe/Berlin", "2024-10-31T23:00:00Z", "2024-11-30T23:00:00Z"),
                ("America/New_York", "2024-11-05T05:00:00Z", "2024-11-06T05:00:00Z"),
            ] {
                let usage = try await store.monthlyUsage(
                    tenant: "acme", month: "m", zone: zone, from: try #require(Timestamp(from)),
                    to: try #require(Timestamp(to)), groupBy: [.day])
                #expect(usage.requests == 1100)
                #expect(usage.groups.map(\.day) == ["2024-11-05"])
            }
        }
    }

    @Test func `A zone that is kept from the middle on has its past, and its future`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(at: .at(22, 50), requests: 5, started: .at(22, 45))
            stream.flush(at: .at(22, 51), requests: 5, started: .at(22, 45))
            try await store.commit(&stream)
            try await store.aggregate()
            try await store.keepRollUps(ofTenant: "acme", zone: "Asia/Kathmandu")
            stream.flush(at: .at(23, 1), requests: 12, started: .at(22, 45))
            stream.end()
            try await store.commit(&stream)
            try await store.aggregate()
            let days = try await store.names(
                """
                SELECT concat(starts_at AT TIME ZONE 'UTC', ' ', requests, ' ', records) FROM consumption_rollup
                WHERE zone = 'Asia/Kathmandu' AND grain = 'day' ORDER BY 1
                """)
            #expect(days == ["2024-11-05 18:15:00 12 2"])
            #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
        }
    }

    @Test(arguments: ["Mars/Olympus", "PST", ""])
    func `An unknown zone is refused, and an unknown tenant`(zone: String) async throws {
        try await withStore { store in
            let refused = await #expect(throws: UsageStoreError.self) {
                try await store.keepRollUps(ofTenant: "acme", zone: zone)
            }
            #expect(refused?.code == .unknownZone)
            #expect(refused?.message.contains("Europe/Berlin") == true)
            let unknown = await #expect(throws: UsageStoreError.self) {
                try await store.keepRollUps(ofTenant: "acme", zone: "Europe/Berlin")
            }
            #expect(unknown?.code == .unknownTenant)
        }
    }

    @Test func `A counter that moves to another tenant leaves no record of the first`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1)
            stream.flush(
                at: .at(12, 1), [Stream.requests: 10], gauges: ["http.tenant_acme.downstream_cx_active": 9],
                started: .at(12, 0))
            stream.flush(at: .at(12, 40), [Stream.requests: 30], started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            #expect(try await store.requests() == 30)
            try await store.keepRollUps(ofTenant: "acme", zone: "Asia/Kolkata")
            let moved = try await store.names("SELECT unnest(meters) FROM meter_version").joined()
                .replacing("tenant_{tenant}", with: "{tenant}")
            try await store.pool.execute("UPDATE meter_version SET meters = ARRAY[$1]", [moved])
            let other = UsageStore(pool: store.pool, logger: store.logger)
            _ = try await other.aggregate(from: .at(12, 0), to: .at(12, 45), reason: "bound to another tenant")
            #expect(try await other.usage(of: "tenant_acme").requests == 30)
            #expect(try await other.usage(of: "acme").requests == 0)
            for table in ["consumption", "consumption_rollup", "carried_over"] {
                let rows = try await other.pool.withConnection { connection in
                    try await connection.executeOnce(
                        "SELECT count(*) FROM \(table) JOIN tenant USING (tenant_id) WHERE name = 'acme'")[0]
                        .decode(0, as: Int64.self)
                }
                #expect(rows == 0, "\(table)")
            }
            #expect(
                try await other.names("SELECT reason FROM job_run ORDER BY job_run_id DESC LIMIT 1")
                    == ["bound to another tenant"])
        }
    }

    @Test func `Means of active connections are exact sums and counts, and a maximum can become smaller`() async throws
    {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            let gauge = "http.tenant_acme.downstream_cx_active"
            // Three samples of one Envoy and seven of another, whose means no power of ten holds: 7/3 and 10/7.
            for (number, samples) in [(1, [1, 2, 4]), (2, [1, 1, 1, 1, 2, 2, 2])] as [(Int64, [Int64])] {
                var stream = Stream(number, instance: "envoy-\(number)", bootID: "boot-\(number)")
                for (minute, sample) in samples.enumerated() {
                    stream.flush(
                        at: .at(12, Int64(minute)).plus(seconds: 5), [Stream.requests: 1], gauges: [gauge: sample],
                        started: .at(12, 0))
                }
                stream.end()
                try await store.commit(&stream)
            }
            _ = try await store.requests()
            let sums = try await store.names(
                """
                SELECT DISTINCT concat_ws(' ', active_connections_sum, active_connections_count,
                    active_connections_maximum) FROM consumption_rollup
                """)
            // 360360 × 7/3 + 360360 × 10/7; 4 + 2 is an upper bound of the fleet's maximum.
            let parts: Int64 = 120_120 * 7 + 51_480 * 10
            #expect(sums == ["\(parts) 1 6"])
            let usage = try await store.usage(of: "acme").dimensions
            #expect(usage.activeConnectionsText == "3.761904")
            // One gauge is bound no more.
            try await store.pool.execute(
                "DELETE FROM tape USING instance WHERE tape.instance_id = instance.instance_id AND name = 'envoy-1'")
            _ = try await store.aggregate(from: .at(12, 0), to: .at(12, 15))
            #expect(try await store.usage(of: "acme").dimensions.activeConnectionsMaximum == 2)
        }
    }

    @Test func `What spans an instant is told with its bounds, and by roll-ups of what begins there`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var steady = Stream(1, instance: "steady", bootID: "a")
            var away = Stream(2, instance: "away", bootID: "b")
            steady.flush(at: .at(11, 59, 50), requests: 10, started: .at(11, 0))
            away.flush(at: .at(11, 10), requests: 100, started: .at(11, 0))
            steady.flush(at: .at(12, 0, 5), requests: 13, started: .at(11, 0))
            steady.flush(at: .at(12, 14, 55), requests: 20, started: .at(11, 0))
            steady.flush(at: .at(12, 15, 5), requests: 24, started: .at(11, 0))
            away.flush(at: .at(12, 20), requests: 700, started: .at(11, 0))
            steady.end()
            away.end()
            try await store.commit(&steady)
            try await store.commit(&away)
            _ = try await store.requests()
            // 3 of the steady one between 11:59:50 and 12:00:05, 600 of the other between 11:10 and 12:20.
            let spans = try await store.carried(over: .at(12, 0), ofTenant: "acme")
            #expect(spans.map(\.requests) == [600, 3])
            #expect(spans.map(\.since) == [.at(11, 10), .at(11, 59, 50)])
            #expect(spans.map(\.until) == [.at(12, 20), .at(12, 0, 5)])
            #expect(spans.map(\.quarterHour) == [.at(12, 15), .at(12, 0)])
            #expect(try await store.carried(over: .at(11, 15), ofTenant: "acme").map(\.requests) == [10, 600])
            #expect(try await store.carried(over: .at(12, 30), ofTenant: "acme").isEmpty)
            let hour = try await store.names(
                "SELECT carried_in::text FROM consumption_rollup WHERE grain = 'hour' ORDER BY starts_at")
            #expect(hour == ["0", "603"])
            #expect(try await store.checkConservation(from: .at(0, 0), to: .at(24, 0)).differences == [])
        }
    }
}
