import StrictYAML

extension PriceBook {
    /// Reads a price book. Whatever is unknown, missing or out of order is refused with its file, line and key.
    ///
    /// `file` is the name used in messages.
    package init(yaml: String, file: String) throws(PricingError) {
        do throws(YAMLFieldError) {
            var reader = PriceBookReader()
            self = try reader.book(try YAMLField.root(yaml: yaml, file: file))
            if let defect = reader.defects.first { throw defect.error }
        } catch {
            throw PricingError(.invalidPriceBook, error.description)
        }
    }
}

/// Reads the mapping of a book, a version and what belongs to it. What can not be understood is thrown; tiers, dates
/// and references that contradict each other are collected, so that `price lint` can name all of them.
struct PriceBookReader {
    /// A contradiction, with its place.
    struct Defect {
        let kind: Finding.Kind
        let error: YAMLFieldError
    }

    var defects: [Defect] = []

    mutating func book(_ root: YAMLField) throws(YAMLFieldError) -> PriceBook {
        let fields = try root.keys(allowed: ["id", "currency", "rounding", "versions"])
        let id = try root.require("id", in: fields).text()
        let currencyField = try root.require("currency", in: fields)
        guard let currency = try? Currency(try currencyField.text()) else {
            throw currencyField.error(
                "found \(currencyField.kind), which is not a currency of ISO 4217; write its three capital letters, such "
                    + "as USD, EUR or JPY")
        }
        let rounding = try fields["rounding"].map { field throws(YAMLFieldError) in try field.choice(RoundingMode.self)
        }
        let list = try root.require("versions", in: fields)
        var versions: [PriceBook.Version] = []
        for element in try list.elements() {
            let version = try version(element, id: id, currency: currency, rounding: rounding ?? .halfUp)
            if versions.contains(where: { $0.effective == version.effective }) {
                note(.overlap, element, "a second version is effective \(version.effective); give each its own date")
            }
            versions.append(version)
        }
        guard !versions.isEmpty else { throw list.error("found no version; a price book has at least one") }
        return PriceBook(
            id: id, currency: currency, rounding: rounding ?? .halfUp,
            versions: versions.sorted { $0.effective < $1.effective })
    }

    private mutating func version(
        _ field: YAMLField, id: String, currency: Currency, rounding: RoundingMode
    ) throws(YAMLFieldError) -> PriceBook.Version {
        let fields = try field.keys(
            allowed: ["effective", "base_fee", "minimum", "maximum", "charges", "discounts", "taxes"])
        let effective = try field.require("effective", in: fields).date()
        let baseFee = try periodAmount(fields["base_fee"])
        let minimum = try periodAmount(fields["minimum"])
        let maximum = try periodAmount(fields["maximum"])
        if let minimum, let maximum, let place = fields["maximum"],
            minimum.amount.millionths > maximum.amount.millionths
        {
            note(.overlap, place, "the ceiling is below the minimum; raise it or lower the minimum")
        }
        var charges: [Charge] = []
        for element in try fields["charges"]?.elements() ?? [] {
            let charge = try self.charge(element)
            if charges.contains(where: { $0.name == charge.name }) {
                note(.overlap, element, "a second charge is named \"\(charge.name)\"; give each its own name")
            }
            charges.append(charge)
        }
        var discounts: [Discount] = []
        for element in try fields["discounts"]?.elements() ?? [] {
            discounts.append(try discount(element, charges: charges))
        }
        var taxes: [TaxRate] = []
        for element in try fields["taxes"]?.elements() ?? [] {
            let tax = try self.tax(element, charges: charges)
            if taxes.contains(where: { $0.name == tax.name }) {
                note(.overlap, element, "a second tax is named \"\(tax.name)\"; give each its own name")
            }
            taxes.append(tax)
        }
        return PriceBook.Version(
            bookID: id, currency: currency, rounding: rounding, effective: effective, baseFee: baseFee,
            minimum: minimum, maximum: maximum, charges: charges, discounts: discounts, taxes: taxes)
    }

    private func periodAmount(_ field: YAMLField?) throws(YAMLFieldError) -> PriceBook.PeriodAmount? {
        guard let field else { return nil }
        let fields = try field.keys(allowed: ["amount_minor", "prorate"])
        let amount = try field.require("amount_minor", in: fields).amount()
        let proration = try fields["prorate"].map { place throws(YAMLFieldError) in try place.choice(Proration.self) }
        return PriceBook.PeriodAmount(amount: amount, isProratedByDays: proration != Proration.none)
    }

    private mutating func discount(_ field: YAMLField, charges: [Charge]) throws(YAMLFieldError) -> Discount {
        let fields = try field.keys(allowed: ["name", "percent", "amount_minor", "charge", "from", "until"])
        let reduction: Discount.Reduction
        switch (fields["percent"], fields["amount_minor"]) {
        case (let percent?, nil): reduction = .percent(try percent.percent(upTo: 100))
        case (nil, let amount?): reduction = .amount(try amount.amount())
        default: throw field.error("a discount has either percent or amount_minor")
        }
        let chargeName = try fields["charge"].map { place throws(YAMLFieldError) in try place.text() }
        if let chargeName, let place = fields["charge"], !charges.contains(where: { $0.name == chargeName }) {
            note(
                .unreachable, place,
                "no charge of this version is named \"\(chargeName)\"; there are: "
                    + charges.map { "\"\($0.name)\"" }.joined(separator: ", "))
        }
        let from = try fields["from"].map { place throws(YAMLFieldError) in try place.date() }
        let until = try fields["until"].map { place throws(YAMLFieldError) in try place.date() }
        if let from, let until, let place = fields["until"], until <= from {
            note(
                .unreachable, place,
                "\(until) is not after from, \(from), so the discount never applies; until is excluded")
        }
        return Discount(
            name: try field.require("name", in: fields).text(), reduction: reduction, chargeName: chargeName,
            from: from,
            until: until)
    }

    private mutating func tax(_ field: YAMLField, charges: [Charge]) throws(YAMLFieldError) -> TaxRate {
        let fields = try field.keys(allowed: ["name", "percent", "classes", "rounded"])
        var classes: [String]?
        if let list = fields["classes"] {
            let known = ["base_fee", "minimum"] + Set(charges.map(\.lineClass)).sorted()
            var names: [String] = []
            for element in try list.elements() {
                let name = try element.text()
                if !known.contains(name) {
                    note(
                        .unreachable, element,
                        "no line has the class \"\(name)\"; there are: \(known.joined(separator: ", "))")
                }
                names.append(name)
            }
            if names.isEmpty {
                note(.unreachable, list, "no class is named, so nothing is taxed; leave the key out to tax every line")
            }
            classes = Set(names).sorted()
        }
        return TaxRate(
            name: try field.require("name", in: fields).text(),
            percent: try field.require("percent", in: fields).percent(upTo: 1000), classes: classes,
            rounded: try fields["rounded"]?.choice(TaxRate.Rounding.self) ?? .invoice)
    }

    mutating func note(_ kind: Finding.Kind, _ field: YAMLField, _ message: String) {
        defects.append(Defect(kind: kind, error: field.error(message)))
    }

    private enum Proration: String, CaseIterable {
        case days, none
    }
}
