/// How complete the count is, in a period.
package struct InvoiceCoverage: Hashable, Sendable, Codable {
    /// A stretch in which requests may have gone uncounted.
    package struct Gap: Hashable, Sendable, Codable {
        package var gateway: String
        package var instance: String
        package var from: String
        package var to: String
        package var reason: String
        package var lower: Int64
        /// Nil where nothing bounds it.
        package var upper: Int64?

        package init(
            gateway: String, instance: String, from: String, to: String, reason: String, lower: Int64, upper: Int64?
        ) {
            self.gateway = gateway
            self.instance = instance
            self.from = from
            self.to = to
            self.reason = reason
            self.lower = lower
            self.upper = upper
        }
    }

    /// Usage whose interval spans an edge of the period: it is billed where it was read (half-open periods), and this
    /// many requests at most belong to the other side.
    package struct Crossing: Hashable, Sendable, Codable {
        package enum Edge: String, Hashable, Sendable, Codable {
            /// Read in this period, begun before it.
            case start
            /// Read after this period, begun in it: not billed here.
            case end
        }

        package var edge: Edge
        package var gateway: String
        package var service: String
        package var requests: Int64
        package var since: String
        package var until: String

        package init(
            edge: Edge, gateway: String, service: String, requests: Int64, since: String, until: String
        ) {
            self.edge = edge
            self.gateway = gateway
            self.service = service
            self.requests = requests
            self.since = since
            self.until = until
        }
    }

    /// A share rounded down to two places: `99.87`.
    package var percent: String
    package var gaps: [Gap]
    package var crossings: [Crossing]
    /// Up to when every gateway had reported; nil where nothing was expected.
    package var watermark: String?
    /// Grace ran out before the watermark passed the end: the count may be incomplete.
    package var isIncomplete: Bool

    package init(
        percent: String = "100.00", gaps: [Gap] = [], crossings: [Crossing] = [], watermark: String? = nil,
        isIncomplete: Bool = false
    ) {
        self.percent = percent
        self.gaps = gaps
        self.crossings = crossings
        self.watermark = watermark
        self.isIncomplete = isIncomplete
    }

    private enum CodingKeys: String, CodingKey {
        case percent, gaps, crossings, watermark
        case isIncomplete = "incomplete"
    }
}
