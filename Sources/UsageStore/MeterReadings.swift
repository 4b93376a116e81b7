package import Metering
package import PostgreSQL

/// A counter's readings over a stretch of time, and what the meters bind it to.
package struct BoundReading: Hashable, Sendable {
    package var binding: Binding
    package var instance: String
    package var epoch: Int64
    package var counter: String
    /// In the order of time; one stretch, unless the counter was reset or not to be trusted in between.
    package var spans: [ReadingSpan]
}

extension UsageStore {
    /// The readings that a gateway's consumption in `[start, end)` was derived from, by the same rules as the job's.
    ///
    /// Spans that continue each other from quarter hour to quarter hour are one. Quarter hours without a tape (nothing
    /// was read, or retention dropped it) add nothing.
    package func meterReadings(
        of gateway: String, from start: Timestamp, to end: Timestamp, on connection: PostgresConnection
    ) async throws -> [BoundReading] {
        let units = try await connection.execute(
            """
            SELECT DISTINCT gateway_id, quarter_hour FROM tape JOIN gateway USING (gateway_id)
            WHERE gateway.name = $1 AND quarter_hour >= $2 AND quarter_hour < $3 ORDER BY quarter_hour
            """,
            [gateway, start.postgres, end.postgres])
        var readings = ReadingCollection()
        let reader = TapeReader(connection: connection, dictionary: counterDictionary)
        for row in units {
            let unit = AggregationUnit(gateway: try row.decode(0), quarterHour: try row.quarterHour(1))
            let meters = try await meterVersions(on: connection).inForce(at: unit.quarterHour)
            let election = try await UnitElection.read(
                unit, identities: meters?.meters.identities ?? [], on: connection)
            for part in try await reader.parts(of: unit) {
                var tapes = try await reader.read(unit, part)
                tapes.election = election
                try readings.add(tapes, unit, meters?.attributions(of: tapes.names, gateway: gateway) ?? [:])
            }
        }
        let names = try await connection.execute(
            "SELECT instance_id, name FROM instance WHERE instance_id = ANY($1::bigint[])",
            [Array(readings.instances)])
        var byNumber: [Int64: String] = [:]
        for row in names { byNumber[try row.decode(0)] = try row.decode(1, as: String.self) }
        return readings.bound(byNumber)
    }

    /// The requests of a gateway's quarter hours as its tapes and the meters in force give them, by tenant and service;
    /// no entry for a quarter hour that no tape is kept of. Corrections are not in it.
    package func derivedConsumption(
        of gateway: String, quarterHours: [QuarterHour], on connection: PostgresConnection
    ) async throws -> [QuarterHour: [ServiceOfTenant: [Dimension: Int64]]] {
        let number = try await Self.gatewayNumber(gateway, on: connection)
        var derived: [QuarterHour: [ServiceOfTenant: [Dimension: Int64]]] = [:]
        let kept = try await connection.execute(
            """
            SELECT DISTINCT quarter_hour FROM tape WHERE gateway_id = $1 AND quarter_hour = ANY($2::timestamptz[])
            """,
            [number, quarterHours.map(\.start.postgres)])
        for row in kept {
            let quarterHour = try row.quarterHour(0)
            let unit = AggregationUnit(gateway: number, quarterHour: quarterHour)
            var quantities: [ServiceOfTenant: [Dimension: Int64]] = [:]
            for (key, value) in try await derivation(of: unit, on: connection).quantities {
                quantities[ServiceOfTenant(tenant: key.tenant, service: key.service)] = value.counts
            }
            derived[quarterHour] = quantities
        }
        return derived
    }
}

/// A tenant's service.
package struct ServiceOfTenant: Hashable, Sendable {
    package var tenant: String
    package var service: String

    package init(tenant: String, service: String) {
        self.tenant = tenant
        self.service = service
    }
}

/// Readings of one gateway, collected quarter hour by quarter hour.
private struct ReadingCollection {
    private struct Key: Hashable {
        var instance: Int64
        var epoch: Int64
        var counter: String
        var binding: Binding
    }

    private var spans: [Key: [ReadingSpan]] = [:]

    var instances: Set<Int64> { Set(spans.keys.map(\.instance)) }

    mutating func add(
        _ tapes: UnitTapes, _ unit: AggregationUnit, _ attributions: [CounterID: Attribution]
    ) throws {
        for (instance, epochs) in tapes.instances {
            let usage = try tapes.usage(of: instance, epochs, in: unit.quarterHour)
            for counter in usage.counters {
                guard case .bound(let binding)? = attributions[counter.counter] else { continue }
                guard let name = tapes.names[counter.counter] else { continue }
                let key = Key(instance: instance, epoch: counter.epoch, counter: name, binding: binding)
                var known = spans[key] ?? []
                for span in counter.spans {
                    if let last = known.last, last.closing == span.opening {
                        known[known.count - 1].closing = span.closing
                    } else {
                        known.append(span)
                    }
                }
                spans[key] = known
            }
        }
    }

    func bound(_ names: [Int64: String]) -> [BoundReading] {
        spans.compactMap { key, spans in
            guard let instance = names[key.instance], !spans.isEmpty else { return nil }
            return BoundReading(
                binding: key.binding, instance: instance, epoch: key.epoch, counter: key.counter, spans: spans)
        }
        .sorted { ($0.instance, $0.epoch, $0.counter) < ($1.instance, $1.epoch, $1.counter) }
    }
}
