package import Pricing
import StrictYAML

/// A language of reports: its labels, and how numbers, money and dates are written. Read from `reports/locales/`.
package struct ReportLanguage: Hashable, Sendable {
    package enum Direction: String, CaseIterable, Hashable, Sendable {
        case leftToRight = "ltr"
        case rightToLeft = "rtl"
    }

    /// What stands between groups of digits, or before decimals.
    private enum Separator: String, CaseIterable {
        case comma, point, space, apostrophe

        var text: String {
            switch self {
            case .comma: ","
            case .point: "."
            case .space: "\u{A0}"
            case .apostrophe: "\u{2019}"
            }
        }
    }

    /// The BCP 47 code, `en`.
    package let code: String
    package let direction: Direction
    /// Between groups of three digits, and before decimals.
    package let groupSeparator: String
    package let decimalSeparator: String
    private let moneyPattern: String
    private let pricePattern: String
    private let datePattern: String
    private let dateTimePattern: String
    private let months: [String]
    private let labels: [ReportLabel: String]
    private let phrases: [ReportPhrase]

    /// Reads a locale file. Every label must be there, and no other.
    package init(yaml: String, file: String) throws(ReportError) {
        do throws(YAMLFieldError) {
            let root = try YAMLField.root(yaml: yaml, file: file)
            let keys = [
                "code", "direction", "group_separator", "decimal_separator", "money", "price", "date", "date_time",
                "months", "labels", "phrases",
            ]
            let fields = try root.keys(allowed: keys)
            code = try root.require("code", in: fields).text()
            direction = try root.require("direction", in: fields).choice(Direction.self)
            groupSeparator = try root.require("group_separator", in: fields).choice(Separator.self).text
            decimalSeparator = try root.require("decimal_separator", in: fields).choice(Separator.self).text
            moneyPattern = try root.require("money", in: fields).pattern(["currency", "amount"])
            pricePattern = try root.require("price", in: fields).pattern(["price", "units"])
            datePattern = try root.require("date", in: fields).pattern(["day", "month", "year"])
            dateTimePattern = try root.require("date_time", in: fields).pattern(["date", "time"])
            let months = try root.require("months", in: fields)
            var names: [String] = []
            for month in try months.elements() { names.append(try month.text()) }
            self.months = names
            guard self.months.count == 12 else { throw months.error("\(self.months.count) months; a year has 12") }
            let written = try root.require("labels", in: fields)
            let texts = try written.keys(allowed: ReportLabel.allCases.map(\.rawValue))
            var labels: [ReportLabel: String] = [:]
            for label in ReportLabel.allCases { labels[label] = try written.require(label.rawValue, in: texts).text() }
            self.labels = labels
            var phrases: [ReportPhrase] = []
            for pair in try fields["phrases"]?.elements() ?? [] {
                let texts = try pair.elements()
                guard texts.count == 2 else { throw pair.error("a phrase is a pair: [English, translation]") }
                guard let phrase = ReportPhrase(try texts[0].text(), translation: try texts[1].text()) else {
                    throw pair.error("its places can not be told apart: write words between them, as {1} of {2}")
                }
                phrases.append(phrase)
            }
            self.phrases = phrases
        } catch {
            throw ReportError(.invalidTemplate, error.description)
        }
    }

    /// A label.
    package subscript(label: ReportLabel) -> String { labels[label] ?? label.rawValue }

    /// A sentence with its places filled: `{percent}` by `values["percent"]`.
    package func sentence(_ label: ReportLabel, _ values: [String: String]) -> String {
        Self.filled(self[label], values)
    }

    // MARK: Phrases

    /// A sentence, name or source that another module writes in English. What has no translation stays as it is.
    package func phrase(_ english: String) -> String { translated(english) ?? english }

    /// Nil where the language has no phrase for it, and it is no number or amount either.
    func translated(_ english: String) -> String? {
        for phrase in phrases {
            guard let values = phrase.values(in: english) else { continue }
            return Self.filled(phrase.translation, values.mapValues { self.phrase($0) })
        }
        let words = english.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count <= 2, Self.isNumber(words[0]) else { return nil }
        guard words.count == 2 else { return localized(english) }
        guard words[1] == "%" || words[1].count == 3 && words[1].allSatisfy(\.isUppercase) else { return nil }
        return words[1] == "%" ? percent(String(words[0])) : money(String(words[0]), String(words[1]))
    }

    /// `1,127.54`, `+0.5`: digits with separators, as they are written for English.
    private static func isNumber(_ text: Substring) -> Bool {
        text.contains(where: \.isNumber)
            && text.drop { "+-".contains($0) }.allSatisfy { $0.isNumber || ",.".contains($0) }
            && text.count { $0 == "." } <= 1 && text.last != "."
    }

    // MARK: Numbers

    /// `12,345,678,901`, or what the language makes of it.
    package func count(_ value: some BinaryInteger) -> String { localized(Digits.grouped(value)) }

    /// `1,170.00`.
    package func amount(_ money: Money) -> String { localized(money.grouped) }

    /// `USD 1,170.00`.
    package func money(_ money: Money) -> String {
        Self.filled(moneyPattern, ["currency": money.currency.code, "amount": amount(money)])
    }

    /// `USD 90.00 per 1,000,000,000`; never rounded.
    package func price(_ price: UnitPrice) -> String {
        let amount = Self.filled(
            moneyPattern,
            ["currency": price.currency.code, "amount": localized(price.amount.grouped(in: price.currency))])
        return Self.filled(pricePattern, ["price": amount, "units": count(price.perUnits)])
    }

    /// A decimal such as `1,127.54` or `-0.0225`, with the language's separators.
    package func decimal(_ digits: String) -> String { localized(digits) }

    /// An amount in a currency, of digits that are grouped: `USD 1,127.54`.
    package func money(_ digits: String, _ currency: String) -> String {
        Self.filled(moneyPattern, ["currency": currency, "amount": localized(digits)])
    }

    /// `12.5 %` of a decimal such as `12.5`.
    package func percent(_ decimal: String) -> String { localized(decimal) + "\u{A0}%" }

    /// A short figure for an axis: `1.2 M`, in steps of a thousand with at most one decimal, rounded down.
    package func compact(_ value: Int128) -> String {
        let magnitude = value.magnitude
        let units: [(UInt128, String)] = [
            (1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1000, "k"),
        ]
        guard let (unit, name) = units.first(where: { magnitude >= $0.0 }) else { return count(value) }
        let tenths = magnitude / (unit / 10)
        let decimal = tenths % 10 == 0 || tenths >= 1000 ? "" : decimalSeparator + String(tenths % 10)
        return (value < 0 ? "-" : "") + count(tenths / 10) + decimal + "\u{A0}" + name
    }

    // MARK: Dates

    /// `1 November 2026`.
    package func date(_ date: LocalDate) -> String {
        Self.filled(
            datePattern, ["day": String(date.day), "month": months[date.month - 1], "year": String(date.year)])
    }

    /// `November 2026`.
    package func month(_ date: LocalDate) -> String { "\(months[date.month - 1]) \(date.year)" }

    /// `1 November 2026, 00:00` of an RFC 3339 text in UTC; the text itself where it is none.
    package func dateTime(_ instant: String) -> String {
        guard let date = try? LocalDate(String(instant.prefix(10))), instant.utf8.count >= 16 else { return instant }
        let time = String(instant.dropFirst(11).prefix(5))
        return Self.filled(dateTimePattern, ["date": self.date(date), "time": time])
    }

    // MARK: Patterns

    /// Separators changed at once: a comma that became a point is not changed again.
    private func localized(_ digits: String) -> String {
        guard groupSeparator != "," || decimalSeparator != "." else { return digits }
        var text = ""
        for character in digits {
            switch character {
            case ",": text += groupSeparator
            case ".": text += decimalSeparator
            default: text.append(character)
            }
        }
        return text
    }

    /// Places are filled in one pass: a value that looks like a place stays as it is.
    private static func filled(_ pattern: String, _ values: [String: String]) -> String {
        var text = ""
        var rest = pattern[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            text += rest[..<open]
            let name = String(rest[rest.index(after: open)..<close])
            text += values[name] ?? String(rest[open...close])
            rest = rest[rest.index(after: close)...]
        }
        return text + rest
    }
}

extension YAMLField {
    /// Text with each of the places in it.
    fileprivate func pattern(_ places: [String]) throws(YAMLFieldError) -> String {
        let pattern = try text()
        for place in places where !pattern.contains("{\(place)}") {
            throw error("\"\(pattern)\" lacks {\(place)}")
        }
        return pattern
    }
}
