/// What a gateway metered, by quarter hour, on its way to hours. Instants are microseconds since 1970.
package struct MeteredTraffic: Sendable {
    /// Counts of a quarter hour; active connections are its mean, in parts of a connection.
    package struct Slice: Hashable, Sendable {
        package let quarterHour: Int64
        package let requests: Int64
        package let newConnections: Int64
        package let activeConnectionParts: Int64
        package let bytes: Int64

        package init(
            quarterHour: Int64, requests: Int64, newConnections: Int64, activeConnectionParts: Int64, bytes: Int64
        ) {
            self.quarterHour = quarterHour
            self.requests = requests
            self.newConnections = newConnections
            self.activeConnectionParts = activeConnectionParts
            self.bytes = bytes
        }
    }

    /// What of a quarter hour began before it, somewhere in `[since, until)`.
    package struct Carry: Hashable, Sendable {
        package let quarterHour: Int64
        package let requests: Int64
        package let newConnections: Int64
        package let bytes: Int64
        package let since: Int64
        package let until: Int64

        package init(
            quarterHour: Int64, requests: Int64, newConnections: Int64 = 0, bytes: Int64 = 0, since: Int64, until: Int64
        ) {
            self.quarterHour = quarterHour
            self.requests = requests
            self.newConnections = newConnections
            self.bytes = bytes
            self.since = since
            self.until = until
        }
    }

    package let slices: [Slice]
    package let carries: [Carry]

    /// How many parts of an active connection make one.
    package let partsPerConnection: Int64

    package init(slices: [Slice], carries: [Carry], partsPerConnection: Int64) {
        self.slices = slices
        self.carries = carries
        self.partsPerConnection = partsPerConnection
    }

    /// The hours with traffic, ascending.
    ///
    /// What began before its quarter hour is spread evenly over its interval, so far as that lies after `periodStart`:
    /// the period's sums stay what they are. An hour is marked `spread` when it gave to another hour or got from one.
    /// Active connections are Σ of the quarter hours' means ÷ 4, a quarter hour without samples as none.
    package func hours(periodStart: Int64) throws -> [TrafficHour] {
        var hours: [Int64: Sums] = [:]
        for slice in slices {
            let start = Instant.hourStart(slice.quarterHour)
            hours[start, default: Sums()].add(slice)
        }
        for carry in carries {
            let read = Instant.hourStart(carry.quarterHour)
            let since = max(carry.since, periodStart)
            guard since < carry.until else { continue }
            for (path, count) in [
                (\Sums.requests, carry.requests), (\.newConnections, carry.newConnections), (\.bytes, carry.bytes),
            ] {
                for part in TrafficSeries.spread(count, from: since, to: carry.until)
                where part.count > 0 && part.start != read {
                    hours[part.start, default: Sums()][keyPath: path] += Int128(part.count)
                    hours[read, default: Sums()][keyPath: path] -= Int128(part.count)
                    hours[part.start]?.spread = true
                    hours[read]?.spread = true
                }
            }
        }
        return try hours.sorted { $0.key < $1.key }.map { start, sums in try sums.hour(start, partsPerConnection) }
    }

    private struct Sums {
        var requests: Int128 = 0
        var newConnections: Int128 = 0
        var activeParts: Int128 = 0
        var bytes: Int128 = 0
        var spread = false

        mutating func add(_ slice: Slice) {
            requests += Int128(slice.requests)
            newConnections += Int128(slice.newConnections)
            activeParts += Int128(slice.activeConnectionParts)
            bytes += Int128(slice.bytes)
        }

        func hour(_ start: Int64, _ partsPerConnection: Int64) throws -> TrafficHour {
            TrafficHour(
                start: start, requests: Fraction(whole: requests), newConnections: Fraction(whole: newConnections),
                activeConnections: try Fraction(activeParts, over: Int128(partsPerConnection) * 4),
                bytes: Fraction(whole: bytes),
                spread: spread)
        }
    }
}
