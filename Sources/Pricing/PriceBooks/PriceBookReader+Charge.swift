import StrictYAML
import Yams

extension PriceBookReader {
    mutating func charge(_ field: YAMLField) throws(YAMLFieldError) -> Charge {
        guard case .mapping(let mapping) = field.node, let modelNode = mapping["model"] else {
            throw field.error("a charge is a mapping with a model: \(Model.names)")
        }
        let model = try YAMLField(file: field.file, path: field.path + ".model", node: modelNode).choice(Model.self)
        let common = ["dimension", "name", "class", "model", "per_units", "included_units"]
        let fields = try field.keys(allowed: common + model.keys)

        let dimensionField = try field.require("dimension", in: fields)
        let dimension = try dimensionField.text()
        guard dimension.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: "_") || $0.isLowercase }) else {
            throw dimensionField.error("found \"\(dimension)\"; a dimension is written as requests or received_bytes")
        }
        var perUnits: Int64 = 1
        if let place = fields["per_units"] {
            perUnits = try place.integer(atLeast: 1)
        } else if model != .perUnit {
            throw field.error("the key per_units is missing: how many units an amount buys, such as 1000000000")
        }
        return Charge(
            dimension: dimension, name: try field.require("name", in: fields).text(),
            lineClass: try fields["class"]?.text() ?? Charge.defaultClass, perUnits: perUnits,
            includedUnits: try fields["included_units"]?.integer(atLeast: 0) ?? 0,
            model: try self.model(model, field, fields))
    }

    private mutating func model(
        _ model: Model, _ field: YAMLField, _ fields: [String: YAMLField]
    ) throws(YAMLFieldError) -> Charge.Model {
        switch model {
        case .graduated: return .graduated(try tiers(try field.require("tiers", in: fields)))
        case .volume: return .volume(try tiers(try field.require("tiers", in: fields)))
        case .perUnit: return .perUnit(try field.require("amount_minor", in: fields).amount())
        case .package:
            let partial = try fields["partial"].map { place throws(YAMLFieldError) in
                try place.choice(Charge.Partial.self)
            }
            return .package(try field.require("amount_minor", in: fields).amount(), partial: partial ?? .full)
        }
    }

    private mutating func tiers(_ list: YAMLField) throws(YAMLFieldError) -> [Charge.Tier] {
        var tiers: [Charge.Tier] = []
        for element in try list.elements() {
            let fields = try element.keys(allowed: ["up_to", "amount_minor", "flat_minor"])
            let tier = Charge.Tier(
                upTo: try fields["up_to"]?.integer(atLeast: 1),
                amount: try element.require("amount_minor", in: fields).amount(),
                flat: try fields["flat_minor"]?.integer(atLeast: 0) ?? 0)
            check(tier, follows: tiers, at: fields["up_to"] ?? element)
            tiers.append(tier)
        }
        guard let last = tiers.last else { throw list.error("found no tier; a charge has at least an open one") }
        if last.upTo != nil, let upTo = tiers.compactMap(\.upTo).max() {
            note(
                .gap, list,
                "above \(Digits.grouped(upTo)) nothing is priced; the last tier is open: leave its up_to out")
        }
        return tiers
    }

    private mutating func check(_ tier: Charge.Tier, follows tiers: [Charge.Tier], at field: YAMLField) {
        guard !tiers.contains(where: { $0.upTo == nil }) else {
            note(
                .unreachable, field,
                "this tier is never reached: an open one stands before it; only the last tier leaves up_to out")
            return
        }
        guard let upTo = tier.upTo, let bound = tiers.compactMap(\.upTo).max(), upTo <= bound else { return }
        note(
            .overlap, field,
            "found \(upTo), which is not above \(bound) of a tier before, so the tier is never reached; order tiers by "
                + "up_to, each higher than the last")
    }

    /// The models as they are written.
    private enum Model: String, CaseIterable {
        case graduated, volume, package
        case perUnit = "per_unit"

        static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

        var keys: [String] {
            switch self {
            case .graduated, .volume: ["tiers"]
            case .package: ["amount_minor", "partial"]
            case .perUnit: ["amount_minor"]
            }
        }
    }
}

extension UInt8 {
    fileprivate var isLowercase: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
}
