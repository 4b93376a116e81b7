/// The break-even fee against the bytes of a request: the same hours with larger and smaller bodies, each compared anew.
package struct BreakEvenCurve: Sendable {
    package struct Point: Sendable {
        package let bytesPerRequest: Fraction
        /// By alternative, per billion requests; below zero not even a free gateway saves.
        package let fees: [String: Fraction]
    }

    /// Ascending, from no bytes on.
    package let points: [Point]
    /// The traffic's own mean; nil where it has no bytes or no requests.
    package let mean: Fraction?

    /// - Parameter catalogue: that of the comparison.
    /// - Throws: what a comparison throws; nothing is computed for traffic without requests.
    package init(_ comparison: Comparison, catalogue: PriceCatalogue, steps: Int64 = 24) throws {
        let totals = comparison.series.totals
        guard !totals.requests.isZero else {
            (points, mean) = ([], nil)
            return
        }
        let mean = try totals.allBytes / totals.requests
        self.mean = mean.isZero ? nil : mean
        let top = try Self.top(mean)
        let hours = try comparison.series.hours
        let repeats = comparison.series.repeats
        let keys = comparison.alternatives.map(\.key)
        points = try (0...steps).map { step in
            let bytes = try top * step / steps
            var series = try TrafficSeries(Self.resized(hours, to: bytes, mean: mean), repeats: repeats)
            if let charged = comparison.series.hoursCharged { series = series.charged(hours: charged) }
            let other = try Comparison(
                series, comparison.assumptions, own: comparison.gateway, catalogue: catalogue,
                region: comparison.region, against: keys)
            let fees = other.alternatives.compactMap { row in row.breakEvenFeePerBillion.map { (row.key, $0) } }
            return Point(bytesPerRequest: bytes, fees: Dictionary(uniqueKeysWithValues: fees))
        }
    }

    /// Twice the mean and at least 50 KB, a round number: 1, 2 or 5 times a power of ten.
    private static func top(_ mean: Fraction) throws -> Fraction {
        let needed = max(try mean * 2, Fraction(50_000))
        var base: Int64 = 10_000
        while true {
            for factor in [1, 2, 5] as [Int64] where Fraction(base * factor) >= needed {
                return Fraction(base * factor)
            }
            guard base < 1_000_000_000_000_000 else { return needed }
            base *= 10
        }
    }

    /// Hours keep their share of the bytes; without any, each request has the same.
    private static func resized(_ hours: [TrafficHour], to bytes: Fraction, mean: Fraction) throws -> [TrafficHour] {
        guard mean.isZero else { return try hours.whatIf(bytesPerRequest: bytes / mean) }
        return try hours.map { hour in
            var hour = hour
            hour.bytes = try hour.requests * bytes
            return hour
        }
    }
}

extension BreakEvenCurve: Encodable {
    private enum CodingKeys: String, CodingKey {
        case mean = "mean_bytes_per_request"
        case points
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(mean, forKey: .mean)
        try container.encode(points, forKey: .points)
    }
}

extension BreakEvenCurve.Point: Encodable {
    private enum CodingKeys: String, CodingKey {
        case bytesPerRequest = "bytes_per_request"
        case fees = "break_even_fee_per_billion"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(bytesPerRequest, forKey: .bytesPerRequest)
        try container.encode(fees, forKey: .fees)
    }
}
