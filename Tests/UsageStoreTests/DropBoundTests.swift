import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// What dropped datagrams may have hidden is bounded by a quarter hour in which none were dropped, or by nothing.
@Suite struct DropBoundTests {
    private func withDrops(
        before isLossyBefore: Bool, _ body: (UsageStore, MonthlyUsage.GapReport) async throws -> Void
    ) async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            var stream = Stream(1, source: .statsd)
            // Ten a flush of five seconds, in two quarter hours.
            for flush in Int64(0)...5 {
                stream.flush(at: .at(12, 10, flush * 5), requests: 10, started: .at(12, 0))
            }
            for flush in Int64(0)...3 {
                stream.flush(at: .at(12, 15, flush * 5), requests: 2, started: .at(12, 0))
            }
            stream.end()
            try await store.commit(&stream)
            func drop(at quarterHour: Timestamp, from: Timestamp, to: Timestamp) async throws {
                try await store.pool.execute(
                    """
                    INSERT INTO stream_remark (
                        instance_id, epoch_id, stream_id, reason, gateway_id, quarter_hour, from_at, to_at, occurrences
                    )
                    SELECT instance_id, epoch_id, 1, 'udp_drop', gateway_id, $1, $2, $3, 7 FROM epoch
                    """, [quarterHour.postgres, from.postgres, to.postgres])
            }
            try await drop(at: .at(12, 15), from: .at(12, 15, 3), to: .at(12, 15, 13))
            if isLossyBefore { try await drop(at: .at(12, 0), from: .at(12, 10, 3), to: .at(12, 10, 4)) }
            #expect(try await store.aggregate().failures == [])
            let gap = try await store.usage(of: "acme").coverage.gaps.first {
                $0.reason == "udp_drop" && $0.from.hasPrefix("2024-11-05T12:15")
            }
            try await body(store, try #require(gap))
        }
    }

    @Test func `The whole stretch and a flush, at twice the rate before it`() async throws {
        try await withDrops(before: false) { _, gap in
            // Ten seconds and the flush under way are three flushes of ten.
            #expect(gap.upper == 60)
            #expect(gap.basis == "rate")
        }
    }

    @Test func `A rate that was measured while lines were lost bounds nothing`() async throws {
        try await withDrops(before: true) { _, gap in #expect(gap.upper == nil) }
    }
}
