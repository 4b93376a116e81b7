/// The hours of a period, aligned to common denominators so that a capacity unit costs integers alone.
///
/// Each hour is kept as numerators: counts over `countScale`, the mean of active connections over `activeScale`.
package struct TrafficSeries: Sendable {
    /// One hour's numerators. `ruleEvaluations` is below 0 where the hour names none.
    struct Row: Sendable {
        var requests: Int128
        var newConnections: Int128
        var activeConnections: Int128
        var bytes: Int128
        var lambdaBytes: Int128
        var ruleEvaluations: Int128

        /// Nothing went through.
        var isIdle: Bool {
            newConnections == 0 && activeConnections == 0 && bytes == 0 && lambdaBytes == 0 && requests == 0
                && ruleEvaluations <= 0
        }
    }

    /// Sums over the series with its repetition.
    package struct Totals: Hashable, Sendable {
        package let requests: Fraction
        package let newConnections: Fraction
        package let bytes: Fraction
        package let lambdaBytes: Fraction
        /// What a Network or Classic Load Balancer processes.
        package let allBytes: Fraction
    }

    let rows: [Row]
    /// The largest of each column, which bounds every sum.
    let maxima: Row
    let countScale: Int128
    let activeScale: Int128

    /// The beginnings of the listed hours, ascending.
    package let starts: [Int64]
    /// How often the list counts; its hours then follow each other without dates.
    package private(set) var repeats: Int64
    /// The beginnings of the listed hours that gave or got a part that was spread over several.
    let spreadStarts: Set<Int64>
    /// How many of the listed hours those are.
    package var spreadHours: Int { spreadStarts.count }
    package private(set) var totals: Totals

    /// Hours for which the load balancer is charged, where those are not the listed ones with their repetition.
    private(set) var hoursCharged: Int64?

    /// Hours with their repetition.
    var hoursListed: Int64 { Int64(rows.count) * repeats }

    /// The hours for which the load balancer is charged.
    package var hourCount: Int64 { hoursCharged ?? hoursListed }

    /// Where each month of the listed hours stands, counted from the first hour on; all in one where they are no more
    /// than a month or have no dates.
    private(set) var monthRanges: [Range<Int>]
    /// The requests of each, over `countScale`.
    private(set) var monthRequests: [Int128]

    /// As how many months hours without dates count: 730 hours are one.
    var undatedMonths: Int64 { max(1, (hourCount + 365) / 730) }

    /// Hours between the first and the last that are not listed.
    package var missingHours: Int64 {
        guard repeats == 1, let first = starts.first, let last = starts.last else { return 0 }
        return (last - first) / Instant.hour + 1 - Int64(starts.count)
    }

    /// Orders the hours; those of a repeated list keep their order, and their starts are ignored.
    ///
    /// Throws `.invalidInput` for none, for two that overlap, for one off the hour, for a negative quantity and for a
    /// `repeats` below 1; `.overflow` beyond the exact range.
    package init(_ hours: [TrafficHour], repeats: Int64 = 1) throws {
        guard !hours.isEmpty else {
            throw LoadBalancerCostError(.invalidInput, "there is no hour in the series: give at least one")
        }
        guard (1...1_000_000).contains(repeats) else {
            throw LoadBalancerCostError(.invalidInput, "repeat is \(repeats): give a whole number from 1 to 1000000")
        }
        let ordered = repeats == 1 ? Self.ordered(hours) : hours
        try Self.check(ordered, overlap: repeats == 1)
        var counts: Int128 = 1
        var actives: Int128 = 1
        for hour in ordered {
            counts = try Self.common(counts, hour.requests)
            counts = try Self.common(counts, hour.newConnections)
            counts = try Self.common(counts, hour.bytes)
            counts = try Self.common(counts, hour.lambdaBytes)
            if let evaluations = hour.ruleEvaluations { counts = try Self.common(counts, evaluations) }
            actives = try Self.common(actives, hour.activeConnections)
        }
        countScale = counts
        activeScale = actives
        rows = try ordered.map { hour in
            Row(
                requests: try Self.scaled(hour.requests, counts),
                newConnections: try Self.scaled(hour.newConnections, counts),
                activeConnections: try Self.scaled(hour.activeConnections, actives),
                bytes: try Self.scaled(hour.bytes, counts),
                lambdaBytes: try Self.scaled(hour.lambdaBytes, counts),
                ruleEvaluations: try hour.ruleEvaluations.map { try Self.scaled($0, counts) } ?? -1)
        }
        starts = ordered.map(\.start)
        spreadStarts = Set(ordered.filter(\.spread).map(\.start))
        self.repeats = repeats
        monthRanges = repeats == 1 ? Self.months(starts) : [0..<rows.count]
        maxima = Self.maxima(rows)
        // The largest term times the number of terms fits, so no sum can overflow.
        _ = try exactProduct(maxima.requests, Int128(rows.count))
        monthRequests = Self.requests(rows, monthRanges)
        totals = try Self.totals(rows, maxima: maxima, scale: counts, repeats: repeats)
    }

    /// The list as often as it takes for `hours`: 720, 730, a month's own. Throws where it does not divide them.
    package func repeated(toHours hours: Int64) throws -> TrafficSeries {
        let listed = Int64(rows.count)
        guard hours > 0, hours % listed == 0 else {
            throw LoadBalancerCostError(
                .invalidInput,
                "\(hours) hours are not a multiple of the \(listed) that are listed: give one, or leave it out")
        }
        var series = self
        series.repeats = hours / listed
        if series.repeats > 1 {
            series.monthRanges = [0..<rows.count]
            series.monthRequests = Self.requests(rows, series.monthRanges)
        }
        series.totals = try Self.totals(rows, maxima: maxima, scale: countScale, repeats: series.repeats)
        return series
    }

    /// The same traffic, charged as so many hours.
    func charged(hours: Int64) -> TrafficSeries {
        var series = self
        series.hoursCharged = hours
        return series
    }

    /// The longest month: 31 days, in one of which a clock goes back.
    private static let monthHours: Int64 = 745

    private static func months(_ starts: [Int64]) -> [Range<Int>] {
        guard let first = starts.first, let last = starts.last, last - first >= monthHours * Instant.hour else {
            return [0..<starts.count]
        }
        var ranges: [Range<Int>] = []
        var begin = 0
        var end = Instant.later(first, months: 1)
        var count: Int64 = 1
        for (index, start) in starts.enumerated() where start >= end {
            ranges.append(begin..<index)
            begin = index
            while start >= end {
                count += 1
                end = Instant.later(first, months: count)
            }
        }
        return ranges + [begin..<starts.count]
    }

    private static func requests(_ rows: [Row], _ ranges: [Range<Int>]) -> [Int128] {
        ranges.map { range in
            var sum: Int128 = 0
            for row in rows[range] { sum &+= row.requests }
            return sum
        }
    }

    private static func ordered(_ hours: [TrafficHour]) -> [TrafficHour] {
        let ascending = zip(hours, hours.dropFirst()).allSatisfy { $0.start < $1.start }
        return ascending ? hours : hours.sorted { $0.start < $1.start }
    }

    private static func check(_ hours: [TrafficHour], overlap: Bool) throws {
        var last: Int64?
        for hour in hours {
            guard hour.start % Instant.hour == 0 else {
                throw LoadBalancerCostError(
                    .invalidInput,
                    "hour \(Instant.text(hour.start)) does not begin on the hour: give hours in UTC, each on its hour")
            }
            if overlap, let last, hour.start < last + Instant.hour {
                throw LoadBalancerCostError(
                    .invalidInput, "hour \(Instant.text(hour.start)) is there twice: hours must not overlap")
            }
            last = hour.start
            guard !hour.requests.isNegative, !hour.newConnections.isNegative, !hour.activeConnections.isNegative,
                !hour.bytes.isNegative, !hour.lambdaBytes.isNegative,
                hour.ruleEvaluations.map({ !$0.isNegative }) ?? true
            else {
                throw LoadBalancerCostError(
                    .invalidInput, "hour \(Instant.text(hour.start)) has a negative quantity: counts begin at 0")
            }
        }
    }

    private static func common(_ scale: Int128, _ value: Fraction) throws -> Int128 {
        value.denominator == 1 || value.denominator == scale ? scale : try leastCommonMultiple(scale, value.denominator)
    }

    private static func scaled(_ value: Fraction, _ scale: Int128) throws -> Int128 {
        if value.denominator == scale { return value.numerator }
        if let small = Int64(exactly: scale), let divisor = Int64(exactly: value.denominator) {
            return try exactProduct(value.numerator, Int128(small / divisor))
        }
        return try exactProduct(value.numerator, scale / value.denominator)
    }

    private static func maxima(_ rows: [Row]) -> Row {
        var most = Row(
            requests: 0, newConnections: 0, activeConnections: 0, bytes: 0, lambdaBytes: 0, ruleEvaluations: 0)
        for row in rows {
            most.requests = max(most.requests, row.requests)
            most.newConnections = max(most.newConnections, row.newConnections)
            most.activeConnections = max(most.activeConnections, row.activeConnections)
            most.bytes = max(most.bytes, row.bytes)
            most.lambdaBytes = max(most.lambdaBytes, row.lambdaBytes)
            most.ruleEvaluations = max(most.ruleEvaluations, row.ruleEvaluations)
        }
        return most
    }

    private static func totals(_ rows: [Row], maxima: Row, scale: Int128, repeats: Int64) throws -> Totals {
        // No sum can overflow when the largest term times the number of terms does not.
        for most in [maxima.requests, maxima.newConnections, maxima.bytes, maxima.lambdaBytes] {
            _ = try exactProduct(most, Int128(rows.count))
        }
        var requests: Int128 = 0
        var connections: Int128 = 0
        var bytes: Int128 = 0
        var lambdaBytes: Int128 = 0
        for row in rows {
            requests &+= row.requests
            connections &+= row.newConnections
            bytes &+= row.bytes
            lambdaBytes &+= row.lambdaBytes
        }
        func total(_ sum: Int128) throws -> Fraction { try Fraction(sum, over: scale) * repeats }
        return Totals(
            requests: try total(requests), newConnections: try total(connections), bytes: try total(bytes),
            lambdaBytes: try total(lambdaBytes), allBytes: try total(bytes) + total(lambdaBytes))
    }
}
