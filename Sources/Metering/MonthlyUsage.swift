/// A tenant's usage of a period: what `waybill usage --format json` prints and `GET /v1/usage/monthly` answers.
package struct MonthlyUsage: Encodable, Sendable {
    package struct Period: Encodable, Sendable {
        package var month: String
        package var zone: String
        package var start: String
        package var end: String
        package var asOf: String

        package init(month: String, zone: String, start: String, end: String, asOf: String) {
            self.month = month
            self.zone = zone
            self.start = start
            self.end = end
            self.asOf = asOf
        }
    }

    package struct GapReport: Encodable, Sendable {
        package var gateway: String
        package var instance: String
        package var from: String
        package var to: String
        package var reason: String
        /// Narrowed by the evidence, less what of it is billed.
        package var lower: Int64
        /// Nil where nothing bounds the gap.
        package var upper: Int64?
        /// Where the upper bound comes from (`Gap.Basis`); nil with it.
        package var basis: String?
        /// The requests that access logs show inside the gap; nil where they show none.
        package var evidence: Int64?
        /// Of them, what a correction bills, which is in `requests` of the usage; nil where none does.
        package var billed: Int64?
        /// What is known without the evidence.
        package let lowerWithoutEvidence: Int64

        /// - Parameters:
        ///   - lower, upper: what is known without the evidence.
        ///   - evidence, billed: what access logs show inside, and what of it a correction bills.
        package init(
            gateway: String, instance: String, from: String, to: String, reason: String, lower: Int64, upper: Int64?,
            basis: String? = nil, evidence: Int64 = 0, billed: Int64 = 0
        ) {
            self.basis = basis
            self.evidence = evidence > 0 ? evidence : nil
            self.billed = billed > 0 ? billed : nil
            lowerWithoutEvidence = max(0, lower - billed)
            self.gateway = gateway
            self.instance = instance
            self.from = from
            self.to = to
            self.reason = reason
            self.lower = max(0, max(lower, evidence) - billed)
            self.upper = upper.map { max(0, $0 - billed) }
        }

        private enum CodingKeys: String, CodingKey {
            case gateway, instance, from, to, reason, lower, upper, basis, evidence, billed
        }
    }

    package struct CoverageReport: Encodable, Sendable {
        package let percent: String
        package let gaps: [GapReport]
        /// Whether the count is too incomplete to be billed without a look at its gaps: below 99.00 %.
        package let isBelowThreshold: Bool

        package init(_ coverage: Coverage, gaps: [GapReport]) {
            percent = coverage.percent
            isBelowThreshold = coverage.isBelow(hundredthsOfPercent: 9900)
            self.gaps = gaps
        }

        private enum CodingKeys: String, CodingKey {
            case percent, gaps
        }
    }

    package struct Group: Encodable, Sendable {
        package var service: String?
        package var gateway: String?
        package var day: String?
        /// The start of an hour in UTC.
        package var hour: String?
        package var dimensions: Quantities

        package init(
            service: String?, gateway: String?, day: String?, hour: String? = nil, dimensions: Quantities
        ) {
            self.service = service
            self.gateway = gateway
            self.day = day
            self.hour = hour
            self.dimensions = dimensions
        }
    }

    package var tenant: String
    package var period: Period
    package var requests: Int64
    /// `requests` with the gaps' bounds added; `upper` is nil where a gap has none.
    package var lower: Int64
    package var upper: Int64?
    package var dimensions: Quantities
    package var coverage: CoverageReport
    package var groups: [Group]

    package init(
        tenant: String, period: Period, dimensions: Quantities, coverage: CoverageReport, groups: [Group]
    ) {
        let uppers = coverage.gaps.map(\.upper)
        self.tenant = tenant
        self.period = period
        self.dimensions = dimensions
        self.coverage = coverage
        self.groups = groups
        requests = dimensions[.requests]
        lower = coverage.gaps.reduce(requests) { $0 + $1.lower }
        upper = uppers.contains(nil) ? nil : uppers.reduce(requests) { $0 + ($1 ?? 0) }
    }

    private enum CodingKeys: String, CodingKey {
        case tenant, period, requests, lower, upper, dimensions, coverage, groups
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tenant, forKey: .tenant)
        try container.encode(period, forKey: .period)
        try container.encode(requests, forKey: .requests)
        try container.encode(lower, forKey: .lower)
        // An unknown bound is said as null, not left out.
        try container.encode(upper, forKey: .upper)
        try container.encode(dimensions, forKey: .dimensions)
        try container.encode(coverage, forKey: .coverage)
        try container.encode(groups, forKey: .groups)
    }
}

/// The quantities of the dimensions over a stretch of time.
package struct Quantities: Encodable, Hashable, Sendable {
    package var counts: [Dimension: Int64] = [:]
    /// Mean over the stretch's quarter hours with a sample. Unit: millionths of a connection.
    package var activeConnectionsMicros: Int64 = 0
    /// An upper bound of the fleet's maximum: the sum of each gauge's own.
    package var activeConnectionsMaximum: Int64 = 0

    package init() {}

    package subscript(dimension: Dimension) -> Int64 { counts[dimension] ?? 0 }

    /// The mean of active connections as a decimal with six places.
    package var activeConnectionsText: String {
        let fraction = String(activeConnectionsMicros % 1_000_000)
        return "\(activeConnectionsMicros / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for dimension in Dimension.allCases where dimension != .activeConnections {
            try container.encode(self[dimension], forKey: Key(dimension.rawValue))
        }
        try container.encode(activeConnectionsText, forKey: Key("active_connections"))
        try container.encode(activeConnectionsMaximum, forKey: Key("active_connections_maximum"))
    }
}

/// By what usage is broken down.
package enum UsageGrouping: String, Hashable, Sendable, CaseIterable {
    case service
    case gateway
    case day
    case hour
}
