import Metering
import PostgreSQL

/// Requests that access logs show inside a gap, and whose they are.
struct GapEvidence: Hashable {
    /// The gap's place among those of its unit.
    var gap: Int
    var key: DerivedConsumption.Key
    var requests: Int64
    /// Of them, what a correction in force bills.
    var billed: Int64 = 0
}

/// Lays access logs beside the gaps of a unit.
///
/// What is shown is a lower bound: a log may have lost lines, above all where a process was killed, so it says nothing of
/// how many requests there were at most. It counts where the log names the instance (or the gateway has one alone), where
/// entries carry a stream id, and where the gap is one of which it is known what was counted inside.
struct GapEvidenceReader {
    let connection: PostgresConnection
    let dictionary: CounterDictionary

    func read(_ derived: DerivedConsumption, _ meters: Meters?, gateway: String) async throws -> [GapEvidence] {
        let unit = derived.unit
        let places = derived.gaps.indices.filter { derived.gaps[$0].gap.blind != nil }.sorted {
            let (left, right) = (derived.gaps[$0].gap, derived.gaps[$1].gap)
            return (left.from, left.to, left.epoch, left.reason.rawValue, left.counter?.rawValue ?? 0)
                < (right.from, right.to, right.epoch, right.reason.rawValue, right.counter?.rawValue ?? 0)
        }
        guard let meters, let first = places.map({ derived.gaps[$0].gap.from }).min(),
            let last = places.compactMap({ derived.gaps[$0].gap.blind?.to }).max(), first < last
        else { return [] }
        var logs = try await logs(
            unit.gateway, of: Set(places.map { derived.gaps[$0].instance }), from: first, to: last)
        guard !logs.isEmpty else { return [] }
        let counters = Set(places.compactMap { derived.gaps[$0].gap.counter })
        let names = try await dictionary.names(counters, of: unit.gateway, on: connection)
        var found: [GapEvidence] = []
        for place in places {
            let (instance, _, gap) = derived.gaps[place]
            guard let blind = gap.blind, let logged = logs[instance]?.keys.sorted() else { continue }
            for counter in logged {
                if let own = gap.counter, names[own] != counter { continue }
                guard meters.collect.selects(counter),
                    let binding = meters.attribution(of: counter, gateway: gateway).binding,
                    binding.dimension == .requests
                else { continue }
                var shown: Int64 = 0
                // What one gap has used is not shown in another that overlaps it.
                for index in (logs[instance]?[counter] ?? []).indices {
                    shown += logs[instance]?[counter]?[index].take(from: gap.from, to: blind.to) ?? 0
                }
                guard shown > blind.counted else { continue }
                found.append(
                    GapEvidence(
                        gap: place, key: DerivedConsumption.Key(tenant: binding.tenant, service: binding.service),
                        requests: shown - blind.counted))
            }
        }
        return found.isEmpty ? [] : try await withBilled(found, unit)
    }

    /// By instance and counter, the seconds of each quarter hour: of the ways that a log came by, the largest.
    private func logs(
        _ gateway: Int64, of instances: Set<Int64>, from start: Timestamp, to end: Timestamp
    ) async throws -> [Int64: [String: [EvidenceSeconds]]] {
        let rows = try await connection.execute(
            """
            SELECT instance.instance_id, counter, way, quarter_hour, seconds
            FROM access_log_second AS log
            JOIN instance ON instance.gateway_id = log.gateway_id AND (
                instance.name = log.instance
                OR log.instance = '' AND NOT EXISTS (
                    SELECT FROM instance AS other
                    WHERE other.gateway_id = log.gateway_id AND other.instance_id <> instance.instance_id
                )
            )
            WHERE log.gateway_id = $1 AND instance.instance_id = ANY($2::bigint[])
                AND quarter_hour BETWEEN $3 AND $4
            ORDER BY 1, 2, 4
            """,
            [
                gateway, Array(instances), QuarterHour(containing: start).start.postgres,
                QuarterHour(containing: end).start.postgres,
            ])
        struct Place: Hashable {
            var instance: Int64
            var counter: String
            var quarterHour: QuarterHour
        }
        var ways: [Place: [String: EvidenceSeconds]] = [:]
        for row in rows {
            let place = Place(
                instance: try row.decode(0), counter: try row.decode(1), quarterHour: try row.quarterHour(3))
            let seconds = try EvidenceSeconds(place.quarterHour, body: try row.decode(4))
            ways[place, default: [:]][try row.decode(2), default: EvidenceSeconds(place.quarterHour)].add(seconds)
        }
        var logs: [Int64: [String: [EvidenceSeconds]]] = [:]
        for (place, byWay) in ways {
            var largest = EvidenceSeconds(place.quarterHour)
            for seconds in byWay.values { largest.raise(to: seconds) }
            logs[place.instance, default: [:]][place.counter, default: []].append(largest)
        }
        return logs
    }

    /// What corrections in force that came from evidence bill of it.
    private func withBilled(_ found: [GapEvidence], _ unit: AggregationUnit) async throws -> [GapEvidence] {
        let rows = try await connection.execute(
            """
            SELECT tenant.name, service.name, sum(correction.quantity)::bigint
            FROM correction JOIN correction_batch AS batch USING (correction_batch_id)
            JOIN tenant USING (tenant_id) JOIN service USING (tenant_id, service_id)
            WHERE gateway_id = $1 AND quarter_hour = $2 AND dimension = 'requests' AND batch.kind = 'evidence'
                AND applied_at IS NOT NULL AND reverted_at IS NULL
            GROUP BY tenant.name, service.name
            """,
            [unit.gateway, unit.quarterHour.start.postgres])
        var billed: [DerivedConsumption.Key: Int64] = [:]
        for row in rows {
            billed[DerivedConsumption.Key(tenant: try row.decode(0), service: try row.decode(1))] = try row.decode(2)
        }
        guard !billed.isEmpty else { return found }
        return found.map { row in
            var row = row
            row.billed = min(row.requests, max(0, billed[row.key] ?? 0))
            billed[row.key, default: 0] -= row.billed
            return row
        }
    }
}
