import Billing
import HTTPTypes
import Metering
import Pricing
import UsageStore

/// `/v1/forecasts/{period}` and `/v1/simulations`: what a month will have cost, and what a spike would add.
enum ForecastEndpoints {
    static let all = [
        Endpoint(
            .get, "/v1/forecasts/{period}", .usageRead, parameters: ["tenant", "zone", "price_book", "budget_minor"],
            answer: forecast),
        Endpoint(.post, "/v1/simulations", .usageRead, parameters: ["tenant"], answer: simulate),
    ]

    /// Past months that are read, beside the one that is asked for.
    private static let months = 14

    private static func forecast(_ call: Call) async throws -> Answer {
        let known = try await Known(
            call, tenant: try call.tenant(), month: try call.path("period"), zone: try call.query.text("zone"),
            priceBook: try call.query.text("price_book"))
        let budget = try call.query.integer("budget_minor", in: 0...(1 << 53) - 1).map {
            Money(minorUnits: Int128($0), currency: known.version.currency)
        }
        return try .json(
            Forecast(
                known.history, period: known.period, version: known.version, rated: known.period.rated(), budget: budget
            ))
    }

    private struct Body: Decodable {
        let period: String
        let zone: String?
        let priceBook: String?
        /// `"10"`, `"2.5"`
        let factor: String
        let hours: Int
    }

    private static func simulate(_ call: Call) async throws -> Answer {
        let body = try call.json(Body.self, keys: ["period", "zone", "price_book", "factor", "hours"])
        guard let factor = ExactAmount(body.factor) else {
            throw Problem.unprocessable("factor", rule: "format", "is how many times the usual, as \"10\" or \"2.5\"")
        }
        let known = try await Known(
            call, tenant: try call.tenant(), month: body.period, zone: body.zone, priceBook: body.priceBook)
        do {
            return try .json(
                SpikeSimulation(
                    known.history, period: known.period, version: known.version, rated: known.period.rated(),
                    factor: factor, hours: body.hours, from: nil))
        } catch let error as PricingError {
            throw Problem.unprocessable("body", rule: "simulation", error.message)
        }
    }

    /// A tenant's period with its prices and the history around it.
    private struct Known {
        let history: UsageHistory
        let period: BillingPeriod
        let version: PriceBook.Version

        init(_ call: Call, tenant: String, month: String, zone: String?, priceBook: String?) async throws {
            let contract = try await call.billing.contracts(tenant: tenant).last
            do {
                period = try BillingPeriod(
                    month: month, zone: zone ?? contract?.zone ?? "UTC", anchorDay: contract?.anchorDay ?? 1)
            } catch {
                throw Problem.invalid(
                    error.code == .unknownZone ? "zone" : "period", rule: "format", error.message,
                    source: error.code == .unknownZone ? "query" : "path")
            }
            guard let book = priceBook ?? contract?.priceBook else {
                throw Problem.invalid(
                    "price_book", rule: "required", "the tenant has no contract: name a stored price book")
            }
            version = try await call.billing.priceBook(id: book).book.version(inForceOn: period.startDate)
            var first = period
            for _ in 0..<ForecastEndpoints.months { first = try first.previous() }
            let read = try await call.store.history(
                of: tenant, from: Timestamp(microseconds: first.startMicroseconds),
                to: Timestamp(microseconds: period.endMicroseconds))
            let end = min(read.now, Timestamp(microseconds: period.endMicroseconds))
            let start = min(max(Timestamp(microseconds: first.startMicroseconds), read.firstRecord ?? end), end)
            history = UsageHistory(
                start: start.microseconds, end: end.microseconds,
                records: read.records.map { record in
                    (
                        record.quarterHour.microseconds,
                        Dictionary(uniqueKeysWithValues: record.counts.map { ($0.key.rawValue, $0.value) })
                    )
                })
        }
    }
}
