package import Metering
import PostgreSQL

extension UsageStore {
    /// What is wrong in the running system.
    ///
    /// - Parameter machineTime: this machine's clock, which is held against the database's.
    package func diagnose(machineTime: Timestamp) async throws -> [Diagnosis] {
        try await pool.transaction(.repeatableRead, readOnly: true) { connection in
            let doctor = Doctor(connection: connection)
            var found = try await doctor.silentInstances()
            found += try await doctor.counters(metersInForce(on: connection))
            found += try await doctor.identityConflicts()
            found += try await doctor.twoBootIDs()
            found += try await doctor.senders()
            found += try await doctor.twoWorkers()
            found += try await doctor.clocks(machineTime)
            found += try await doctor.jobs()
            found += try await doctor.queue()
            found += try await doctor.refusals()
            return found
        }
    }

    private func metersInForce(on connection: PostgresConnection) async throws -> Meters? {
        let rows = try await connection.execute("SELECT clock_timestamp()")
        guard let now = try rows.first?.timestamp(0) else { return nil }
        return try await meterVersions(on: connection).inForce(at: QuarterHour(containing: now))?.meters
    }
}

/// One check each. All look back a day.
private struct Doctor {
    let connection: PostgresConnection

    /// Expected epochs (rule 10) that have not been read for longer than five flushes and a minute.
    func silentInstances() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, epoch.last_received_at,
                (extract(epoch FROM now() - epoch.last_received_at) / 60)::bigint, epoch.source_kind
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            LEFT JOIN LATERAL (
                SELECT (last_flush_at - first_flush_at) / (flushes - 1) AS flush_interval FROM tapes AS tape
                WHERE tape.instance_id = epoch.instance_id AND tape.epoch_id = epoch.epoch_id AND flushes > 1
                ORDER BY quarter_hour DESC LIMIT 1
            ) AS learned ON true
            WHERE NOT epoch.drained AND epoch.last_received_at > now() - interval '24 hours'
                AND epoch.last_received_at
                    < now() - interval '60 seconds' - 5 * COALESCE(flush_interval, interval '5 seconds')
                AND NOT EXISTS (
                    SELECT FROM epoch AS later
                    WHERE later.instance_id = epoch.instance_id AND later.source_kind = epoch.source_kind
                        AND later.first_received_at > epoch.last_received_at
                )
            ORDER BY 1, 2 LIMIT 100
            """)
        return try rows.map { row in
            Diagnosis(
                check: "instance_silent",
                subject: "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                found: "nothing was received by \(try row.sourceKind(4).name) since \(try row.timestamp(2)), "
                    + "\(try row.decode(3, as: Int64.self)) minutes; it did not end in order",
                remedy:
                    "look whether it runs and reaches waybill serve; stop it with drain.sh where it is to end. After "
                    + "24 h it is expected no longer")
        }
    }

    /// Counters that two bill rules claim, and those of a billed kind that nothing binds.
    func counters(_ meters: Meters?) async throws -> [Diagnosis] {
        guard let meters else {
            return [
                Diagnosis(
                    check: "no_meters", subject: "meters", found: "no meters are in force: nothing is attributed",
                    remedy: "waybill meter apply FILE")
            ]
        }
        let rows = try await connection.execute(
            """
            SELECT gateway.name, counter.name, sum(quantity)::bigint
            FROM unattributed JOIN counter USING (gateway_id, counter_id) JOIN gateway USING (gateway_id)
            WHERE quarter_hour > now() - interval '24 hours' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
            """)
        var twice: [Diagnosis] = []
        var unbound: [String: [(name: String, quantity: Int64)]] = [:]
        for row in rows {
            let (gateway, name): (String, String) = (try row.decode(0), try row.decode(1))
            let quantity: Int64 = try row.decode(2)
            if let conflict = meters.contested(name, gateway: gateway) {
                twice.append(
                    Diagnosis(
                        check: "claimed_twice", subject: "\(gateway), \(name)",
                        found: "\(conflict); its \(quantity) of the last day are unattributed",
                        remedy: "mend the rules: waybill meter apply FILE --from … --reason …"))
            } else if meters.isOfBilledKind(name, gateway: gateway), meters.claims(on: name, gateway: gateway).isEmpty {
                unbound[gateway, default: []].append((name, quantity))
            }
        }
        let alarms = unbound.sorted { $0.key < $1.key }.map { gateway, counters in
            let names = counters.prefix(3).map { "\($0.name) (\($0.quantity))" }.joined(separator: ", ")
            return Diagnosis(
                check: "unbound_counter", subject: gateway,
                found:
                    "\(counters.count) counters of a billed kind are bound by no rule, with what they counted in the "
                    + "last day: \(names)\(counters.count > 3 ? ", …" : "")",
                remedy: "bind them by a rule (or by a check rule where they are not to be billed): waybill meter apply "
                    + "FILE --from … --reason …")
        }
        return Array(twice.prefix(20)) + alarms
    }

    func identityConflicts() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, min(from_at), max(to_at), gap.instance_id
            FROM gap JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = gap.gateway_id
            WHERE reason = 'identity_conflict' AND quarter_hour > now() - interval '24 hours'
            GROUP BY gateway.name, instance.name, gap.instance_id ORDER BY 1, 2
            """)
        guard !rows.isEmpty else { return [] }
        let seen = try await connection.execute(
            """
            SELECT instance_id, array_agg(DISTINCT peer ORDER BY peer)
            FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS conflict (instance_id, from_at, to_at)
            JOIN tapes AS tape USING (instance_id) JOIN stream_peer USING (instance_id, stream_id)
            WHERE last_flush_at >= from_at AND first_flush_at <= to_at
                AND quarter_hour >= from_at - interval '15 minutes' AND quarter_hour <= to_at
            GROUP BY instance_id
            """,
            [
                try rows.map { try $0.decode(4, as: Int64.self) }, try rows.map { try $0.timestamp(2).postgres },
                try rows.map { try $0.timestamp(3).postgres },
            ])
        var peersOf: [Int64: [String]] = [:]
        for row in seen { peersOf[try row.decode(0)] = try row.decode(1, as: [String].self) }
        return try rows.map { row in
            let peers = peersOf[try row.decode(4)] ?? []
            return Diagnosis(
                check: "identity_conflict",
                subject: "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                found: "two Envoys reported under one name from \(try row.timestamp(2)) to \(try row.timestamp(3)), so "
                    + "usage stopped at the last good reading; peers: "
                    + (peers.isEmpty ? "not known" : peers.joined(separator: " and ")),
                remedy:
                    "give each its own node.id, or at least a boot_id of its own at each start; what is missing can be "
                    + "put right by waybill backfill")
        }
    }

    /// Two boot ids under one name for longer than a hot restart takes.
    func twoBootIDs() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, count(*),
                (SELECT array_agg(DISTINCT peer ORDER BY peer) FROM tapes AS tape JOIN stream_peer USING (instance_id, stream_id)
                WHERE tape.instance_id = epoch.instance_id AND tape.last_flush_at > now() - interval '3 minutes'
                    AND tape.quarter_hour > now() - interval '30 minutes')
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            WHERE last_received_at > now() - interval '2 minutes' AND first_received_at < now() - interval '20 minutes'
                AND boot_id IS NOT NULL AND boot_id NOT LIKE 'odometer:%'
            GROUP BY 1, 2, epoch.instance_id, source_kind HAVING count(*) > 1 ORDER BY 1, 2
            """)
        return try rows.map { row in
            let peers: [String] = try row.decode(3, as: [String]?.self) ?? []
            return Diagnosis(
                check: "two_boot_ids",
                subject: "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                found: "\(try row.decode(2, as: Int64.self)) processes report under one name for over 20 minutes; all "
                    + "count" + (peers.isEmpty ? "" : "; peers: \(peers.joined(separator: " and "))"),
                remedy: "give each its own node.id; a hot restart ends its parent after --parent-shutdown-time-s")
        }
    }

    /// What the worker found of deltas that several send under one name: remarked once a sender and worker's life.
    func senders() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, source_kind, reason, min(from_at)
            FROM stream_remark AS remark JOIN instance USING (instance_id) JOIN epoch USING (instance_id, epoch_id)
            JOIN gateway ON gateway.gateway_id = remark.gateway_id
            WHERE reason IN ('sent_twice', 'two_senders') AND quarter_hour > now() - interval '24 hours'
            GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT 100
            """)
        return try rows.map { row in
            let (subject, source) = (
                "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                try row.sourceKind(2).name
            )
            let since = try row.timestamp(4)
            guard try row.decode(3, as: String.self) == "sent_twice" else {
                return Diagnosis(
                    check: "two_senders", subject: subject,
                    found: "two processes send \(source) under one name, since \(since), and both count; which of them "
                        + "stops can not be told. A hot restart looks so until the parent ends",
                    remedy: "give each a name of its own: a prefix, a fixed tag, its own address or node.id")
            }
            return Diagnosis(
                check: "sent_twice", subject: subject,
                found: "the same deltas come by \(source) from two senders, flush by flush, since \(since); both "
                    + "count, so if they are one Envoy's, its requests are billed twice",
                remedy: "take the second sink out of the bootstrap, or the relay that sends copies; waybill backfill "
                    + "takes off what was billed twice")
        }
    }

    /// Deltas of one instance at two workers at once: neither can tell whether the other was sent the same.
    func twoWorkers() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, source_kind, count(*)
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            WHERE last_received_at > now() - interval '1 minute' AND first_received_at < now() - interval '10 minutes'
                AND boot_id LIKE 'odometer:%'
            GROUP BY 1, 2, epoch.instance_id, source_kind HAVING count(*) > 1 ORDER BY 1, 2, 3 LIMIT 100
            """)
        return try rows.map { row in
            Diagnosis(
                check: "two_senders",
                subject: "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                found: "\(try row.decode(3, as: Int64.self)) workers hear \(try row.sourceKind(2).name) of it at once, "
                    + "and what each hears counts: if one Envoy sends the same to both, it is billed twice",
                remedy: "let each Envoy send to one worker; waybill check sources shows whether its sum is too high")
        }
    }

    /// Envoys' clocks against the workers', and those and this machine's against the database's.
    func clocks(_ machineTime: Timestamp) async throws -> [Diagnosis] {
        var found: [Diagnosis] = []
        let clock = try await connection.execute("SELECT clock_timestamp()")
        if let now = try clock.first?.timestamp(0) {
            let seconds = machineTime.microseconds(since: now) / 1_000_000
            if seconds.magnitude > 5 {
                found.append(
                    Diagnosis(
                        check: "clock_off", subject: "this machine",
                        found:
                            "its clock is \(seconds.magnitude) s \(seconds > 0 ? "ahead of" : "behind") the database's",
                        remedy: "let both follow one time service (chrony, systemd-timesyncd)"))
            }
        }
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name,
                round(extract(epoch FROM last_sent_at - last_received_at))::bigint,
                round(extract(epoch FROM last_received_at - now()))::bigint
            FROM epoch JOIN instance USING (instance_id) JOIN gateway ON gateway.gateway_id = epoch.gateway_id
            WHERE last_received_at > now() - interval '24 hours'
                AND (abs(extract(epoch FROM last_sent_at - last_received_at)) > 60
                    OR last_received_at > now() + interval '5 seconds')
            ORDER BY 1, 2 LIMIT 100
            """)
        for row in rows {
            let subject = "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))"
            let (sent, ahead): (Int64, Int64) = (try row.decode(2), try row.decode(3))
            if sent.magnitude > 60 {
                found.append(
                    Diagnosis(
                        check: "clock_off", subject: subject,
                        found: "its clock is \(sent.magnitude) s \(sent > 0 ? "ahead of" : "behind") the worker's: its "
                            + "readings are timed by their arrival",
                        remedy: "let it follow a time service"))
            }
            if ahead > 5 {
                found.append(
                    Diagnosis(
                        check: "clock_off", subject: "the worker of \(subject)",
                        found: "its clock is \(ahead) s ahead of the database's: usage falls into later quarter hours",
                        remedy: "let the worker follow a time service"))
            }
        }
        return found
    }

    func jobs() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT job_run_id, started_at, failure FROM job_run
            WHERE started_at > now() - interval '24 hours' ORDER BY job_run_id DESC LIMIT 1
            """)
        guard let row = rows.first, let failure = try row.decode(2, as: String?.self) else { return [] }
        let lines = failure.split(separator: "\n")
        return [
            Diagnosis(
                check: "job_failed", subject: "job \(try row.decode(0, as: Int64.self)) of \(try row.timestamp(1))",
                found: "\(lines.count) failures; the first: \(lines.first ?? "")",
                remedy: "what failed stays in the queue and is tried again by each run; mend the cause that it names")
        ]
    }

    func queue() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT count(*), count(DISTINCT (gateway_id, quarter_hour)), min(changed_at),
                (extract(epoch FROM now() - min(changed_at)) / 60)::bigint
            FROM tape_change
            """)
        guard let row = rows.first, let oldest = try row.optionalTimestamp(2) else { return [] }
        let minutes: Int64 = try row.decode(3)
        guard minutes >= 15 else { return [] }
        return [
            Diagnosis(
                check: "queue_lag", subject: "aggregation",
                found: "\(try row.decode(1, as: Int64.self)) quarter hours wait to be aggregated, the oldest since "
                    + "\(oldest), \(minutes) minutes",
                remedy: "let waybill serve run with the role aggregate, or waybill aggregate --once from cron")
        ]
    }

    func refusals() async throws -> [Diagnosis] {
        let rows = try await connection.execute(
            """
            SELECT gateway.name, instance.name, sum(occurrences)::bigint
            FROM stream_remark JOIN instance USING (instance_id)
            JOIN gateway ON gateway.gateway_id = stream_remark.gateway_id
            WHERE reason = 'refused' AND quarter_hour > now() - interval '24 hours' GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 100
            """)
        return try rows.map { row in
            Diagnosis(
                check: "refused",
                subject: "\(try row.decode(0, as: String.self)), \(try row.decode(1, as: String.self))",
                found:
                    "\(try row.decode(2, as: Int64.self)) values were refused in the last day (the worker's log says why)",
                remedy: "narrow the collect patterns where there are too many names, or pin those that are billed")
        }
    }
}

extension Meters {
    /// Whether a counter is of a kind that some bill rule of the gateway bills, and no gauge.
    fileprivate func isOfBilledKind(_ name: String, gateway: String) -> Bool {
        bind.contains { rule in
            rule.role == .bill && rule.dimension == .requests && rule.gateways?.contains(gateway) ?? true
                && rule.match.namesKind(of: name)
        }
    }
}
