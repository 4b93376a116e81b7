/// What `waybill forecast --format json` prints and `GET /v1/forecasts/{period}` answers.
///
/// ```json
/// {"period":{"month":"2026-11","zone":"UTC","start":"…","end":"…","as_of":"…"},
///  "price_book":"standard","effective":"2026-01-01","currency":"USD","days_of_history":412,
///  "counted":{"requests":1,"quantities":{"requests":1},"amount_minor":0},
///  "p10":{…},"p50":{…},"p90":{…},
///  "record":{"held":11,"periods":12,"trials":[
///    {"start":"2025-11-01","p10":1,"p50":2,"p90":3,"counted":2,"held":true}]},
///  "budget":{"amount_minor":50000,"passed":null,"p10":null,"p50":"2026-11-23","p90":"2026-11-19"},
///  "notes":[]}
/// ```
/// An estimate that can not be made is null; so is `budget` without one.
extension Forecast: Encodable {
    private enum Key: String, CodingKey {
        case period, effective, currency, counted, p10, p50, p90, record, budget, notes
        case priceBook = "price_book"
        case daysOfHistory = "days_of_history"
    }

    private enum PeriodKey: String, CodingKey {
        case month, zone, start, end
        case asOf = "as_of"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var about = container.nestedContainer(keyedBy: PeriodKey.self, forKey: .period)
        try about.encode(String(period.startDate.description.prefix(7)), forKey: .month)
        try about.encode(period.zone.identifier, forKey: .zone)
        try about.encode(period.start, forKey: .start)
        try about.encode(period.end, forKey: .end)
        try about.encode(RFC3339.text(microseconds: asOf), forKey: .asOf)
        try container.encode(version.bookID, forKey: .priceBook)
        try container.encode(version.effective.description, forKey: .effective)
        try container.encode(version.currency.code, forKey: .currency)
        try container.encode(daysOfHistory, forKey: .daysOfHistory)
        try container.encode(counted, forKey: .counted)
        try container.encode(p10, forKey: .p10)
        try container.encode(p50, forKey: .p50)
        try container.encode(p90, forKey: .p90)
        try container.encode(record, forKey: .record)
        try container.encode(budget, forKey: .budget)
        try container.encode(notes, forKey: .notes)
    }
}

extension Forecast.Estimate: Encodable {
    private enum Key: String, CodingKey {
        case requests, quantities
        case amountMinor = "amount_minor"
    }

    private struct Dimension: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(requests, forKey: .requests)
        var units = container.nestedContainer(keyedBy: Dimension.self, forKey: .quantities)
        for (dimension, quantity) in quantities.sorted(by: { $0.key < $1.key }) {
            try units.encode(quantity, forKey: Dimension(stringValue: dimension))
        }
        try container.encode(amount.minorUnits, forKey: .amountMinor)
    }
}

extension BackTest: Encodable {
    private enum Key: String, CodingKey {
        case held, periods, trials
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(held, forKey: .held)
        try container.encode(trials.count, forKey: .periods)
        try container.encode(trials, forKey: .trials)
    }
}

extension BackTest.Trial: Encodable {
    private enum Key: String, CodingKey {
        case start, p10, p50, p90, counted, held
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(start.description, forKey: .start)
        try container.encode(p10, forKey: .p10)
        try container.encode(p50, forKey: .p50)
        try container.encode(p90, forKey: .p90)
        try container.encode(counted, forKey: .counted)
        try container.encode(isHeld, forKey: .held)
    }
}

extension BudgetForecast: Encodable {
    private enum Key: String, CodingKey {
        case passed, p10, p50, p90
        case amountMinor = "amount_minor"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(amount.minorUnits, forKey: .amountMinor)
        try container.encode(passed?.description, forKey: .passed)
        try container.encode(p10?.description, forKey: .p10)
        try container.encode(p50?.description, forKey: .p50)
        try container.encode(p90?.description, forKey: .p90)
    }
}
