import HTTPTypes
import Metering
import Pricing
import UsageStore

/// `/v1/backfills` and `/v1/reprocesses`: what operators change of the past, with who and why.
enum CorrectionEndpoints {
    static let all = [
        Endpoint(.get, "/v1/backfills", .admin, operators: true, answer: list),
        Endpoint(.post, "/v1/backfills", .admin, operators: true, answer: propose),
        Endpoint(.get, "/v1/backfills/{name}", .admin, operators: true, answer: show),
        Endpoint(.post, "/v1/backfills/{name}:apply", .admin, operators: true, answer: apply),
        Endpoint(.post, "/v1/backfills/{name}:revert", .admin, operators: true, answer: revert),
        Endpoint(.post, "/v1/reprocesses", .admin, operators: true, answer: reprocess),
    ]

    private struct Items: Encodable {
        let items: [CorrectionBatch]
    }

    private struct Shown: Encodable {
        let batch: CorrectionBatch
        let differences: [CorrectionDifference]
    }

    private struct Body: Decodable {
        struct Row: Decodable {
            let tenant: String
            let gateway: String
            let service: String
            let quarterHour: String
            let dimension: String
            let quantity: Int64
        }

        let name: String
        let reason: String
        let rows: [Row]
    }

    private static func list(_ call: Call) async throws -> Answer {
        try .json(Items(items: try await call.store.corrections()))
    }

    private static func propose(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: ["name", "reason", "rows"])
        guard (1...128).contains(body.name.unicodeScalars.count), !body.name.utf8.contains(0), !body.reason.isEmpty
        else {
            throw Problem.unprocessable(
                "name", rule: "required", "a backfill has a name of 1 to 128 characters and a reason")
        }
        guard !body.rows.isEmpty else { throw Problem.unprocessable("rows", rule: "required", "there is no row") }
        let rows = try body.rows.enumerated().map { index, row in
            try Self.row(row, at: "rows.[\(index)]", line: index + 1)
        }
        let batch = try await call.store.propose(
            body.name, rows: rows, source: "REST", reason: body.reason, by: call.principal.id, file: "rows")
        var answer = try Answer.json(
            Shown(batch: batch, differences: try await call.store.correction(body.name).differences), status: 201)
        answer.headers[.location] = "/v1/backfills/" + body.name
        return answer
    }

    private static func row(_ row: Body.Row, at place: String, line: Int) throws -> BackfillRow {
        guard let dimension = Dimension(rawValue: row.dimension), dimension != .activeConnections else {
            throw Problem.unprocessable(
                place + ".dimension", rule: "enum", "\(row.dimension) is not a dimension that is counted")
        }
        let instant: Timestamp
        do {
            instant = Timestamp(microseconds: try RFC3339.microseconds(row.quarterHour))
        } catch {
            throw Problem.unprocessable(place + ".quarter_hour", rule: "format", error.message)
        }
        guard let quarterHour = QuarterHour(start: instant) else {
            throw Problem.unprocessable(place + ".quarter_hour", rule: "format", "\(instant) is not on a quarter hour")
        }
        return BackfillRow(
            tenant: row.tenant, gateway: row.gateway, service: row.service, quarterHour: quarterHour,
            dimension: dimension, quantity: row.quantity, line: line)
    }

    private static func show(_ call: Call) async throws -> Answer {
        let (batch, differences) = try await call.store.correction(try call.path("name"))
        return try .json(Shown(batch: batch, differences: differences))
    }

    private static func apply(_ call: Call) async throws -> Answer {
        try .json(try await call.store.apply(correction: try call.path("name"), by: call.principal.id))
    }

    private static func revert(_ call: Call) async throws -> Answer {
        try .json(try await call.store.revert(correction: try call.path("name"), by: call.principal.id))
    }

    private struct Reprocess: Decodable {
        let from: String
        let to: String
        let reason: String
    }

    private struct Reprocessed: Encodable {
        let from: String
        let to: String
        let reason: String
        let quarterHours: Int64
        let failures: [String]
    }

    /// Derives a range of quarter hours anew from its tapes.
    private static func reprocess(_ call: Call) async throws -> Answer {
        let body = try call.json(Reprocess.self, keys: ["from", "to", "reason"])
        guard !body.reason.isEmpty, !body.reason.utf8.contains(0) else {
            throw Problem.unprocessable("reason", rule: "required", "say why: it is kept with the run")
        }
        func time(_ text: String, _ field: String) throws -> Timestamp {
            do {
                return Timestamp(microseconds: try RFC3339.microseconds(text))
            } catch {
                throw Problem.unprocessable(field, rule: "format", error.message)
            }
        }
        let from = try time(body.from, "from")
        let to = try time(body.to, "to")
        let run = try await call.store.aggregate(from: from, to: to, reason: body.reason + " (\(call.principal.id))")
        return try .json(
            Reprocessed(
                from: from.description, to: to.description, reason: body.reason, quarterHours: run.quarterHours,
                failures: run.failures))
    }
}
