import Metering
import PostgreSQL

/// What the counters of a unit counted, whomever it is billed to.
struct UnitCounters {
    var gateway = ""
    var names: [CounterID: String] = [:]
    /// What counts: of the elected source.
    var counted: [CounterID: Int64] = [:]
    /// What each source says for itself.
    var bySource: [SourceKind: [CounterID: Int64]] = [:]

    /// Reads the tapes of a unit.
    static func read(
        _ unit: AggregationUnit, identities: [SourceIdentity], with reader: TapeReader
    ) async throws -> UnitCounters {
        var counters = UnitCounters()
        counters.gateway = try await reader.gatewayName(unit)
        let election = try await UnitElection.read(unit, identities: identities, on: reader.connection)
        for part in try await reader.parts(of: unit) {
            var tapes = try await reader.read(unit, part)
            tapes.election = election
            try counters.add(tapes, unit)
        }
        return counters
    }

    private mutating func add(_ tapes: UnitTapes, _ unit: AggregationUnit) throws {
        names.merge(tapes.names) { known, _ in known }
        for (instance, epochs) in tapes.instances {
            let counted = try tapes.usage(of: instance, epochs, in: unit.quarterHour)
            for usage in counted.counters { self.counted[usage.counter, default: 0] += usage.quantity }
            let sources = Dictionary(epochs.map { ($0.epoch, $0.source) }) { first, _ in first }
            let all = try InstanceUsage(
                quarterHour: unit.quarterHour, epochs: epochs, isConnectionManagers: tapes.isConnectionManagers)
            for usage in all.counters {
                guard let source = sources[usage.epoch] else { continue }
                bySource[source, default: [:]][usage.counter, default: 0] += usage.quantity
            }
        }
    }
}
