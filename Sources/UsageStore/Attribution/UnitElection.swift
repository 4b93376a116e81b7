import Metering
import PostgreSQL

/// Which source counts in a unit: read only for gateways that more than one source reports from.
struct UnitElection: Sendable {
    /// A source that reports just now may still cover what ends in the quarter hour, or have ended: it is to be derived
    /// once more when that is known.
    private(set) var isProvisional = false
    private let election: SourceElection
    private let names: [Int64: String]
    /// By epoch, where it is another than the metrics service.
    private let sources: [Int64: SourceKind]

    /// What higher sources cover of an instance, by the source that reads it.
    func above(instance: Int64) -> (SourceKind) -> HigherSources {
        { source in election.above(source, instance: instance, name: names[instance] ?? "") }
    }

    /// Whether a gap is one of the bill: of the source that counts at its time.
    func counts(_ gap: Gap, instance: Int64) -> Bool {
        switch above(instance: instance)(sources[gap.epoch] ?? .metricsService).cover(from: gap.from, to: gap.to) {
        case .none, .partly: true
        case .wholly, .allButTails: false
        }
    }

    private init(election: SourceElection, names: [Int64: String], sources: [Int64: SourceKind]) {
        self.election = election
        self.names = names
        self.sources = sources
    }

    /// How long before the quarter hour a reading may lie from which one of its steps goes. Unit: days.
    private static let longestStep: Int64 = 31
    /// An epoch that was read this recently, and has no successor, still reports: its next reading covers what lies
    /// between.
    private static let liveness: Int64 = 120_000_000

    /// Nil where one source reports alone.
    ///
    /// - Parameter identities: those of the meters in force.
    static func read(
        _ unit: AggregationUnit, identities: [SourceIdentity], on connection: PostgresConnection,
        dictionary: CounterDictionary = CounterDictionary()
    ) async throws -> UnitElection? {
        // Most gateways have one source, which the partial index says at once.
        let several = try await connection.execute(
            "SELECT EXISTS (SELECT 1 FROM epoch WHERE gateway_id = $1 AND source_kind > 1)", [unit.gateway])
        guard try several.first?.decode(0, as: Bool.self) == true else { return nil }
        let rows = try await connection.execute(
            """
            SELECT source_kind, instance_id, instance.name, gateway.name,
                -- An uptime is in whole seconds: a process may have begun up to a second before.
                COALESCE(baseline_at, started_at - interval '1 second', first_received_at),
                CASE WHEN last_received_at > now() - $4::bigint * interval '1 microsecond' AND NOT drained
                    AND NOT EXISTS (
                        SELECT FROM epoch AS later
                        WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                            AND later.first_received_at > epoch.last_received_at
                    ) THEN GREATEST(now(), $3)
                    -- What a lower source heard with the last flush of a drained process came some milliseconds later.
                    WHEN drained THEN last_reading_at + interval '1 second' ELSE last_reading_at END,
                epoch_id, started_at, baseline_at, last_reading_at, drained
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            WHERE epoch.gateway_id = $1 AND source_kind <= 3
                AND last_reading_at >= $2::timestamptz - $5::bigint * interval '1 day'
                AND COALESCE(baseline_at, started_at, first_received_at) < $3
            UNION ALL
            SELECT source_kind, instance_id, instance.name, gateway.name,
                -- What a delta says was counted since the flush before it.
                first_flush_at - COALESCE((last_flush_at - first_flush_at) / NULLIF(flushes - 1, 0), interval '0'),
                last_flush_at, NULL, NULL, NULL, NULL, NULL
            FROM tapes AS tape JOIN epoch USING (instance_id, epoch_id) JOIN instance USING (instance_id)
            JOIN gateway ON gateway.gateway_id = tape.gateway_id
            WHERE tape.gateway_id = $1 AND is_delta
                AND quarter_hour >= $2::timestamptz - interval '15 minutes' AND quarter_hour < $3
            """,
            [
                unit.gateway, unit.quarterHour.start.postgres, unit.quarterHour.end.postgres, liveness, longestStep,
            ]
        )
        var reigns: [SourceReign] = []
        var isProvisional = false
        var edges = SourceEdges(connection: connection, dictionary: dictionary, unit: unit)
        var names: [Int64: String] = [:]
        var gateway = ""
        for row in rows {
            let reign = SourceReign(
                source: try row.sourceKind(0), instance: try row.decode(1), instanceName: try row.decode(2),
                from: try row.timestamp(4), to: try row.timestamp(5))
            names[reign.instance] = reign.instanceName
            gateway = try row.decode(3)
            reigns.append(reign)
            guard let epoch = try row.decode(6, as: Int64?.self) else { continue }
            let lastReading = try row.timestamp(9)
            let isOpen = try reign.to > lastReading && !row.decode(10, as: Bool.self)
            if isOpen, lastReading < unit.quarterHour.end { isProvisional = true }
            let started = try row.optionalTimestamp(7)
            let baselineAt = try row.optionalTimestamp(8)
            edges.add(
                SourceEdges.Life(
                    reign: reigns.count - 1, key: TapeReader.EpochKey(instance: reign.instance, epoch: epoch),
                    started: started, baselineAt: baselineAt, from: baselineAt ?? started ?? reign.from,
                    to: isOpen ? reign.to : lastReading))
        }
        try await edges.read(into: &reigns)
        var sources: [Int64: SourceKind] = [:]
        let others = try await connection.execute(
            "SELECT epoch_id, source_kind FROM epoch WHERE gateway_id = $1 AND source_kind > 1", [unit.gateway])
        for row in others { sources[try row.decode(0)] = try row.sourceKind(1) }
        var election = UnitElection(
            election: SourceElection(reigns: reigns, identities: identities.filter { $0.gateway == gateway }),
            names: names, sources: sources)
        election.isProvisional = isProvisional
        return election
    }
}
