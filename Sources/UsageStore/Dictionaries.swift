import Metering
import PostgreSQL

/// Numbers for names: gateways, instances, collect versions, counters and counter sets.
///
/// They are written outside the commit's transaction: a name that is stored twice or in vain does no harm, and a
/// commit that has to be repeated finds them there. What many streams lack is numbered in a few statements, with the
/// names sent as arrays: a worker that meets a whole fleet for the first time asks no more often than for one Envoy.
///
/// Each statement inserts in the order of its key, so that two workers that meet new names together do not wait for each
/// other in a circle.
struct Dictionaries {
    let connection: PostgresConnection

    /// Names, or numbers of counters in sets, that one statement is sent.
    private static let batch = 50_000

    /// Completes what is not yet numbered of some streams.
    func number(_ commits: inout [StreamCommit]) async throws {
        try await numberGateways(&commits)
        try await numberInstances(&commits)
        try await numberCollectVersions(&commits)
        try await numberCounters(&commits)
        try await numberSets(&commits, of: \.counters, as: \.counterSet)
        try await numberSets(&commits, of: \.gauges, as: \.gaugeSet)
    }

    // MARK: Gateways, instances, collect versions

    func gateway(_ name: String) async throws -> Int64 {
        let key = GatewayName(gateway: 0, name: name)
        guard let number = try await gateways([key])[key] else { throw Self.lost("gateway \(name)") }
        return number
    }

    private func numberGateways(_ commits: inout [StreamCommit]) async throws {
        let new = Set(
            commits.filter { $0.stored.gateway == nil }.map { GatewayName(gateway: 0, name: $0.identity.gateway) })
        guard !new.isEmpty else { return }
        let numbers = try await gateways(new.sorted())
        for index in commits.indices where commits[index].stored.gateway == nil {
            let name = GatewayName(gateway: 0, name: commits[index].identity.gateway)
            guard let number = numbers[name] else { throw Self.lost("gateway \(name.name)") }
            commits[index].stored.gateway = number
        }
    }

    private func gateways(_ names: [GatewayName]) async throws -> [GatewayName: Int64] {
        var numbers = try await knownGateways(names)
        let new = names.filter { numbers[$0] == nil }
        guard !new.isEmpty else { return numbers }
        _ = try await connection.execute(
            """
            INSERT INTO gateway (name, metering_since)
            SELECT name, made_at FROM unnest($1::text[]) AS new (name), metering_start ORDER BY name
            ON CONFLICT DO NOTHING
            """,
            [new.map(\.name)])
        numbers.merge(try await knownGateways(new)) { $1 }
        return numbers
    }

    private func knownGateways(_ names: [GatewayName]) async throws -> [GatewayName: Int64] {
        let rows = try await connection.execute(
            "SELECT name, gateway_id FROM gateway WHERE name = ANY($1::text[])", [names.map(\.name)])
        var numbers: [GatewayName: Int64] = [:]
        for row in rows {
            numbers[GatewayName(gateway: 0, name: try row.decode(0))] = try row.decode(1, as: Int64.self)
        }
        return numbers
    }

    private func numberInstances(_ commits: inout [StreamCommit]) async throws {
        let new = Set(
            commits.compactMap { commit in
                commit.stored.instance == nil
                    ? commit.stored.gateway.map { GatewayName(gateway: $0, name: commit.identity.instance) } : nil
            })
        guard !new.isEmpty else { return }
        var numbers: [GatewayName: Int64] = [:]
        for batch in Self.batches(new.sorted()) { try await numberInstances(batch, into: &numbers) }
        for index in commits.indices where commits[index].stored.instance == nil {
            guard let gateway = commits[index].stored.gateway else { continue }
            let name = commits[index].identity.instance
            guard let number = numbers[GatewayName(gateway: gateway, name: name)] else {
                throw Self.lost("instance \(name)")
            }
            commits[index].stored.instance = number
        }
    }

    private func numberInstances(_ names: [GatewayName], into numbers: inout [GatewayName: Int64]) async throws {
        try await readInstances(names, into: &numbers)
        let missing = names.filter { numbers[$0] == nil }
        guard !missing.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO instance (gateway_id, name)
            SELECT gateway_id, name FROM unnest($1::bigint[], $2::text[]) AS new (gateway_id, name)
            ORDER BY gateway_id, name ON CONFLICT DO NOTHING
            """,
            [missing.map(\.gateway), missing.map(\.name)])
        try await readInstances(missing, into: &numbers)
    }

    private func readInstances(_ names: [GatewayName], into numbers: inout [GatewayName: Int64]) async throws {
        let rows = try await connection.execute(
            """
            SELECT gateway_id, name, instance_id FROM unnest($1::bigint[], $2::text[]) AS wanted (gateway_id, name)
            JOIN instance USING (gateway_id, name)
            """,
            [names.map(\.gateway), names.map(\.name)])
        for row in rows {
            numbers[GatewayName(gateway: try row.decode(0), name: try row.decode(1))] = try row.decode(2)
        }
    }

    private func numberCollectVersions(_ commits: inout [StreamCommit]) async throws {
        var numbers: [CollectPatterns: Int64] = [:]
        for index in commits.indices where commits[index].stored.collectVersion == nil {
            let collect = commits[index].tape.collect
            let number: Int64
            if let known = numbers[collect] {
                number = known
            } else {
                number = try await collectVersion(collect.canonicalText)
            }
            numbers[collect] = number
            commits[index].stored.collectVersion = number
        }
    }

    private func collectVersion(_ patterns: String) async throws -> Int64 {
        _ = try await connection.execute(
            """
            INSERT INTO collect_version (patterns) SELECT $1
            WHERE NOT EXISTS (SELECT FROM collect_version WHERE md5(patterns) = md5($1)) ON CONFLICT DO NOTHING
            """,
            [patterns]
        )
        let rows = try await connection.execute(
            "SELECT collect_version_id FROM collect_version WHERE md5(patterns) = md5($1)", [patterns])
        guard let row = rows.first else { throw Self.lost("collect version") }
        return try row.decode(0)
    }

    // MARK: Counters

    private func numberCounters(_ commits: inout [StreamCommit]) async throws {
        var new: Set<GatewayName> = []
        for commit in commits {
            guard let gateway = commit.stored.gateway else { continue }
            for name in commit.newCounters { new.insert(GatewayName(gateway: gateway, name: name)) }
            for name in commit.newGauges { new.insert(GatewayName(gateway: gateway, name: name)) }
        }
        guard !new.isEmpty else { return }
        var numbers: [GatewayName: CounterID] = [:]
        numbers.reserveCapacity(new.count)
        for batch in Self.batches(new.sorted()) { try await numberCounters(batch, into: &numbers) }
        for index in commits.indices {
            guard let gateway = commits[index].stored.gateway else { continue }
            func number(_ name: String) throws -> CounterID {
                guard let number = numbers[GatewayName(gateway: gateway, name: name)] else { throw Self.lost(name) }
                return number
            }
            let counters = commits[index].newCounters
            if !counters.isEmpty {
                commits[index].stored.counters += try counters.map(number)
                commits[index].stored.counterSet = 0
            }
            let gauges = commits[index].newGauges
            if !gauges.isEmpty {
                commits[index].stored.gauges += try gauges.map(number)
                commits[index].stored.gaugeSet = 0
            }
        }
    }

    private func numberCounters(_ names: [GatewayName], into numbers: inout [GatewayName: CounterID]) async throws {
        try await readCounters(names, into: &numbers)
        let missing = names.filter { numbers[$0] == nil }
        guard !missing.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO counter (gateway_id, name)
            SELECT gateway_id, name FROM unnest($1::bigint[], $2::text[]) AS new (gateway_id, name)
            ORDER BY gateway_id, name ON CONFLICT DO NOTHING
            """,
            [missing.map(\.gateway), missing.map(\.name)])
        try await readCounters(missing, into: &numbers)
    }

    private func readCounters(_ names: [GatewayName], into numbers: inout [GatewayName: CounterID]) async throws {
        let rows = try await connection.execute(
            """
            SELECT gateway_id, name, counter_id FROM unnest($1::bigint[], $2::text[]) AS wanted (gateway_id, name)
            JOIN counter USING (gateway_id, name)
            """,
            [names.map(\.gateway), names.map(\.name)])
        for row in rows {
            let name = GatewayName(gateway: try row.decode(0), name: try row.decode(1))
            numbers[name] = CounterID(rawValue: try row.decode(2))
        }
    }

    // MARK: Sets

    /// Numbers the sets of streams that have none, or whose set has grown. Streams with one set share its memory.
    private func numberSets(
        _ commits: inout [StreamCommit], of members: WritableKeyPath<StoredStream, [CounterID]>,
        as number: WritableKeyPath<StoredStream, Int64>
    ) async throws {
        var wanted: [GatewaySet: Int64] = [:]
        for commit in commits {
            guard let gateway = commit.stored.gateway else { continue }
            guard commit.stored[keyPath: number] == 0 else { continue }
            wanted[GatewaySet(gateway: gateway, counters: commit.stored[keyPath: members])] = 0
        }
        guard !wanted.isEmpty else { return }
        let sets = wanted.keys.sorted { ($0.gateway, $0.counters.count) < ($1.gateway, $1.counters.count) }
        var first = 0
        while first < sets.count {
            var end = first
            var size = 0
            while end < sets.count, end == first || size + sets[end].counters.count <= Self.batch {
                size += sets[end].counters.count + 1
                end += 1
            }
            try await numberSets(Array(sets[first..<end]), into: &wanted)
            first = end
        }
        for index in commits.indices {
            guard let gateway = commits[index].stored.gateway else { continue }
            guard commits[index].stored[keyPath: number] == 0 else { continue }
            let set = GatewaySet(gateway: gateway, counters: commits[index].stored[keyPath: members])
            guard let found = wanted.index(forKey: set), wanted[found].value > 0 else {
                throw Self.lost("a counter set")
            }
            commits[index].stored[keyPath: members] = wanted[found].key.counters
            commits[index].stored[keyPath: number] = wanted[found].value
        }
    }

    private func numberSets(_ sets: [GatewaySet], into numbers: inout [GatewaySet: Int64]) async throws {
        try await readSets(sets, into: &numbers)
        let missing = sets.filter { numbers[$0] == 0 }
        guard !missing.isEmpty else { return }
        _ = try await connection.execute(
            """
            INSERT INTO counter_set (gateway_id, digest, counters)
            SELECT gateway_id, sha256(convert_to(counters, 'UTF8')) AS digest, counters::bigint[]
            FROM unnest($1::bigint[], $2::text[]) AS new (gateway_id, counters)
            ORDER BY gateway_id, digest ON CONFLICT DO NOTHING
            """,
            [missing.map(\.gateway), missing.map(\.text)])
        try await readSets(missing, into: &numbers)
    }

    /// A set's digest is of its text, `{1,2,3}`, as the database writes an array of numbers.
    private func readSets(_ sets: [GatewaySet], into numbers: inout [GatewaySet: Int64]) async throws {
        let rows = try await connection.execute(
            """
            SELECT number, counter_set_id
            FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS wanted (gateway_id, counters, number)
            JOIN counter_set ON counter_set.gateway_id = wanted.gateway_id
                AND digest = sha256(convert_to(wanted.counters, 'UTF8'))
            """,
            [sets.map(\.gateway), sets.map(\.text)])
        for row in rows { numbers[sets[Int(try row.decode(0, as: Int64.self)) - 1]] = try row.decode(1) }
    }

    // MARK: Inside

    /// A name within a gateway; a gateway's own within 0. Two names are one if their bytes are, as in the database: text
    /// that is only canonically equivalent is not the same name.
    private struct GatewayName: Hashable, Comparable {
        var gateway: Int64
        var name: String

        static func == (left: GatewayName, right: GatewayName) -> Bool {
            left.gateway == right.gateway && left.name.utf8.elementsEqual(right.name.utf8)
        }

        static func < (left: GatewayName, right: GatewayName) -> Bool {
            left.gateway == right.gateway
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : left.gateway < right.gateway
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(gateway)
            hasher.combine(name)
        }
    }

    private struct GatewaySet: Hashable {
        var gateway: Int64
        var counters: [CounterID]

        var text: String {
            var text = "{"
            for counter in counters {
                if text.utf8.count > 1 { text += "," }
                text += String(counter.rawValue)
            }
            return text + "}"
        }
    }

    private static func batches<Element>(_ elements: [Element]) -> [[Element]] {
        stride(from: 0, to: elements.count, by: batch).map {
            Array(elements[$0..<min($0 + batch, elements.count)])
        }
    }

    private static func lost(_ name: String) -> UsageStoreError {
        UsageStoreError(.corrupt, "\(name) was stored but is not in the dictionary")
    }
}

extension StreamCommit {
    /// Names that have no number yet, by slot.
    fileprivate var newCounters: ArraySlice<String> {
        tape.counterNames[min(stored.counters.count, tape.counterNames.count)...]
    }
    fileprivate var newGauges: ArraySlice<String> {
        tape.gaugeNames[min(stored.gauges.count, tape.gaugeNames.count)...]
    }
}
