import Metering
import PostgreSQL

/// Bounds what dropped datagrams may have hidden: of the stretch in which they were dropped nothing is taken as heard, and
/// its rate is that of the quarter hour before, if none was dropped there. Else there is no bound: a rate that was
/// measured while lines were lost is too low.
struct DropBounds {
    let connection: PostgresConnection
    let unit: AggregationUnit
    private var remarks: [(instance: Int64, gap: Gap)]
    private var rates: [Int64: (quarterHour: QuarterHour, rate: FlushRate)] = [:]

    init(connection: PostgresConnection, unit: AggregationUnit, remarks: [(instance: Int64, gap: Gap)]) {
        self.connection = connection
        self.unit = unit
        self.remarks = remarks
    }

    /// Learns the rates of the epochs of which datagrams were dropped.
    mutating func learn(_ tapes: UnitTapes) {
        let dropped = Set(remarks.filter { $0.gap.reason == .udpDrop }.map(\.gap.epoch))
        guard !dropped.isEmpty else { return }
        for tape in tapes.instances.values.joined() where dropped.contains(tape.epoch) {
            guard let quarterHour = tape.previous.first?.quarterHour else { continue }
            rates[tape.epoch] = (quarterHour, FlushRate(of: tape.previous))
        }
    }

    func bounded() async throws -> [(instance: Int64, gap: Gap)] {
        guard !rates.isEmpty else { return remarks }
        let rows = try await connection.execute(
            """
            SELECT DISTINCT epoch_id FROM unnest($2::bigint[], $3::timestamptz[]) AS wanted (epoch_id, quarter_hour)
            JOIN stream_remark USING (epoch_id, quarter_hour)
            WHERE gateway_id = $1 AND reason = 'udp_drop'
            """,
            [unit.gateway, Array(rates.keys), rates.values.map(\.quarterHour.start.postgres)])
        let lossy = Set(try rows.map { try $0.decode(0, as: Int64.self) })
        return remarks.map { remark in
            guard remark.gap.reason == .udpDrop, remark.gap.upper == nil, !lossy.contains(remark.gap.epoch),
                let rate = rates[remark.gap.epoch]?.rate, let interval = rate.flushInterval
            else { return remark }
            var remark = remark
            // The flush that began before the first drop was counted may be among what was lost.
            let stretch = remark.gap.to.microseconds(since: remark.gap.from)
            remark.gap.upper = rate.bound(unobserved: stretch + interval)
            remark.gap.basis = remark.gap.upper == nil ? nil : .rate
            return remark
        }
    }
}
