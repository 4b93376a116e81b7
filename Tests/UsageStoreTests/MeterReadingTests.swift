import Metering
import PostgreSQL
import Testing

@testable import UsageStore

/// The readings on an invoice are those that were billed, whatever else reports.
@Suite struct MeterReadingTests {
    @Test func `Readings of an instance with three sources sum to what is billed`() async throws {
        try await withStore { store in
            try await store.putShippedMetersInForce()
            func feed(
                _ number: Int64, _ source: SourceKind, _ readings: [(Int64, Int64, Int64)]
            ) async throws {
                var stream = Stream(number, bootID: "\(source)", source: source)
                for (hour, minute, value) in readings {
                    stream.flush(at: .at(hour, minute), requests: value, started: .at(12, 0))
                }
                stream.end()
                try await store.commit(&stream)
            }
            // The first is away for an hour and does not come back; the second and third go on.
            try await feed(1, .metricsService, [(12, 1, 10), (12, 14, 20), (12, 29, 30)])
            try await feed(2, .otlp, [(12, 2, 12), (12, 28, 29), (12, 46, 44), (13, 1, 60), (13, 20, 81)])
            try await feed(3, .prometheus, [(12, 3, 13), (12, 27, 28), (12, 45, 43), (13, 2, 61), (13, 40, 100)])
            let billed = try await store.requests()
            let readings = try await store.pool.withConnection { connection in
                try await store.meterReadings(of: "edge", from: .at(12, 0), to: .at(14, 0), on: connection)
            }
            let difference = readings.filter { $0.binding.dimension == .requests }.flatMap(\.spans)
                .reduce(Int64(0)) { $0 + $1.closing.value - $1.opening.value }
            #expect(difference == billed)
            #expect(billed > 60)
        }
    }
}
