package import Metering

/// Consumption records of one service at one gateway over a period, column by column: a compact copy.
package struct UsageBlock: Hashable, Sendable, Codable {
    package var gateway: String
    package var service: String
    /// Quarter hours since 1970, UTC, ascending: seconds ÷ 900.
    package var quarterHours: [Int64]
    /// By dimension, as long as `quarterHours`.
    package var quantities: [String: [Int64]]

    package init(gateway: String, service: String, quarterHours: [Int64], quantities: [String: [Int64]]) {
        self.gateway = gateway
        self.service = service
        self.quarterHours = quarterHours
        self.quantities = quantities
    }

    private enum CodingKeys: String, CodingKey {
        case gateway, service, quantities
        case quarterHours = "quarter_hours"
    }

    /// Σ of a dimension; refuses a sum beyond Int64.
    package func total(_ dimension: String) throws(BillingError) -> Int64 {
        var sum: Int64 = 0
        for quantity in quantities[dimension] ?? [] { sum = try Self.add(sum, quantity, dimension) }
        return sum
    }

    static func add(_ left: Int64, _ right: Int64, _ dimension: String) throws(BillingError) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow, right >= 0 else {
            throw BillingError(
                .invalid, "the \(dimension) of a period are beyond 2^63 or below 0; check the consumption")
        }
        return sum
    }
}

extension QuarterHour {
    /// Quarter hours since 1970: a block's number of it.
    package var number: Int64 { start.microseconds / Self.microseconds }

    package init(number: Int64) {
        // A number that no clock shows stays one: it is refused where the period is known.
        let (microseconds, overflow) = number.multipliedReportingOverflow(by: Self.microseconds)
        self.init(containing: overflow ? Timestamp(seconds: 0) : Timestamp(microseconds: microseconds))
    }
}
