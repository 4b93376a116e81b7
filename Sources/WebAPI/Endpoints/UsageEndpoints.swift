import HTTPTypes
import Metering
import Pricing
import UsageStore

/// `/v1/usage…`: what a tenant used.
enum UsageEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/usage/monthly", .usageRead, parameters: ["tenant", "period", "zone", "group_by"], short: true,
            answer: monthly),
        Endpoint(
            .get, "/v1/usage", .usageRead,
            parameters: ["tenant", "from", "to", "window", "zone", "group_by", "limit", "cursor"], answer: windows),
        Endpoint(.get, "/v1/usage/gaps", .usageRead, parameters: ["tenant", "period", "zone"], answer: gaps),
    ]

    /// By what a month is told apart; hours are the windows of a free range.
    private enum Group: String, CaseIterable {
        case service, gateway, day
    }

    private enum Part: String, CaseIterable {
        case service, gateway
    }

    /// The body of `waybill usage --format json`.
    private static func monthly(_ call: Call) async throws -> Answer {
        let grouping = try call.query.words("group_by", Group.self).compactMap { UsageGrouping(rawValue: $0.rawValue) }
        let month = try Month(call, grouping)
        let memory = call.stores.months
        if let kept = memory.kept(month.question) {
            let (state, now) = try await call.store.state()
            if state == kept.state, kept.asOf == UsageStore.steadyEnd(of: month.end, now: now) { return kept.answer }
        }
        let (usage, state, asOf) = try await month.read(from: call.store)
        var answer = Answer(contentType: Answer.json, body: MonthlyUsageText.json(usage))
        answer.headers[.eTag] = "\"\(Answer.digest(answer.body))\""
        if let state { memory.keep(.init(answer: answer, state: state, asOf: asOf), for: month.question) }
        return answer
    }

    /// What a month is asked for by.
    private struct Month {
        let question: MonthMemory.Question
        let start: Timestamp
        let end: Timestamp

        init(_ call: Call, _ grouping: [UsageGrouping] = []) throws {
            let tenant = try call.tenant()
            let (month, period) = try call.period()
            question = MonthMemory.Question(
                principal: call.principal.tenant?.id, tenant: tenant, month: month, zone: period.zone.identifier,
                grouping: Set(grouping))
            start = Timestamp(microseconds: period.startMicroseconds)
            end = Timestamp(microseconds: period.endMicroseconds)
        }

        func read(
            from store: UsageStore
        ) async throws -> (usage: MonthlyUsage, state: DatabaseState?, asOf: Timestamp) {
            try await store.steadyMonth(
                tenant: question.tenant, month: question.month, zone: question.zone, from: start, to: end,
                groupBy: question.grouping)
        }
    }
}

extension UsageEndpoints {
    private struct Windows: Encodable {
        struct Item: Encodable, Sendable {
            let start: String
            let end: String
            let service: String?
            let gateway: String?
            let dimensions: Quantities

            /// Where it stands in the list.
            var key: [String] { [start, service ?? "", gateway ?? ""] }
        }

        let tenant: String
        let from: String
        let to: String
        let window: String
        let zone: String
        let items: [Item]
        let nextCursor: String?

        private enum CodingKeys: String, CodingKey { case tenant, from, to, window, zone, items, nextCursor }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(tenant, forKey: .tenant)
            try container.encode(from, forKey: .from)
            try container.encode(to, forKey: .to)
            try container.encode(window, forKey: .window)
            try container.encode(zone, forKey: .zone)
            try container.encode(items, forKey: .items)
            try container.encode(nextCursor, forKey: .nextCursor)
        }
    }

    /// A free range in windows; one without a record is left out.
    private static func windows(_ call: Call) async throws -> Answer {
        let tenant = try call.tenant()
        let from = try call.time("from")
        let to = try call.time("to")
        guard to.microseconds(since: from) <= Int64(call.limits.span) * 86_400_000_000 else {
            throw Problem.invalid("to", rule: "range", "is more than \(call.limits.span) days after from")
        }
        let word = try call.query.required("window", "name the window: PT15M, PT1H or P1D")
        guard let window = UsageWindow(rawValue: word) else {
            throw Problem.invalid("window", rule: "enum", "\(word) is not one of PT15M, PT1H, P1D")
        }
        let zone = try call.query.text("zone") ?? "UTC"
        let parts = try call.query.words("group_by", Part.self).compactMap { UsageGrouping(rawValue: $0.rawValue) }
        let size = try call.pageSize()
        let list = ["usage", tenant, from.description, to.description, word, zone, parts.map(\.rawValue).joined()]
            .joined(separator: "\u{0}")
        let cursor = try call.query.text("cursor").map { try Cursor($0, list: list, keys: 3) }
        // A page begins with the window in which the one before ended.
        let begin = try cursor.map { try Self.start(of: $0) } ?? from
        let items = try await call.store.usage(
            tenant: tenant, from: begin, to: to, window: window, zone: zone, groupBy: Set(parts)
        ).map {
            Windows.Item(
                start: $0.start.description, end: $0.end.description, service: $0.service, gateway: $0.gateway,
                dimensions: $0.dimensions)
        }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let rest = cursor.map { cursor in items.filter { cursor.after.lexicographicallyPrecedes($0.key) } } ?? items
        let page = Page(rest, size: size, list: list) { $0.key }
        return try .json(
            Windows(
                tenant: tenant, from: from.description, to: to.description, window: word, zone: zone,
                items: page.items, nextCursor: page.nextCursor))
    }

    private static func start(of cursor: Cursor) throws -> Timestamp {
        do {
            return Timestamp(microseconds: try RFC3339.microseconds(cursor.after[0]))
        } catch {
            throw Problem.invalid("cursor", rule: "format", "is not one that this list gave")
        }
    }

    private struct Gaps: Encodable {
        let tenant: String
        let period: MonthlyUsage.Period
        let percent: String
        let gaps: [MonthlyUsage.GapReport]
    }

    /// What may have gone uncounted in a month.
    private static func gaps(_ call: Call) async throws -> Answer {
        let usage = try await Month(call).read(from: call.store).usage
        return try .json(
            Gaps(
                tenant: usage.tenant, period: usage.period, percent: usage.coverage.percent, gaps: usage.coverage.gaps))
    }
}

extension Call {
    /// An instant: `2026-10-01T00:00:00Z`.
    func time(_ name: String) throws -> Timestamp {
        let text = try query.required(name, "give an instant, as 2026-10-01T00:00:00Z")
        do {
            return Timestamp(microseconds: try RFC3339.microseconds(text))
        } catch {
            throw Problem.invalid(name, rule: "format", error.message)
        }
    }

    /// The month of `period=2026-11[&zone=Europe/Berlin]`.
    func period() throws -> (month: String, period: BillingPeriod) {
        let month = try query.required("period", "name the month, as 2026-11")
        let zone = try query.text("zone") ?? "UTC"
        do {
            return (month, try BillingPeriod(month: month, zone: zone))
        } catch {
            throw Problem.invalid(error.code == .unknownZone ? "zone" : "period", rule: "format", error.message)
        }
    }
}
