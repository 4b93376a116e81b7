/// A counter's readings over a period, as on an electricity bill: previous reading, current reading, difference.
///
/// A counter that was reset, or that was not to be trusted for a while, has more than one span.
package struct MeterReading: Hashable, Sendable, Codable {
    /// A stretch in which the counter only rose.
    package struct Span: Hashable, Sendable, Codable {
        package var opening: Int64
        /// RFC 3339, UTC.
        package var openedAt: String
        package var closing: Int64
        package var closedAt: String

        /// Wraps for readings that no counter has: such ones come from a file that was tampered with.
        package var difference: Int64 { closing &- opening }

        package init(opening: Int64, openedAt: String, closing: Int64, closedAt: String) {
            self.opening = opening
            self.openedAt = openedAt
            self.closing = closing
            self.closedAt = closedAt
        }

        private enum CodingKeys: String, CodingKey {
            case opening, closing
            case openedAt = "opened_at"
            case closedAt = "closed_at"
        }
    }

    package var gateway: String
    package var instance: String
    /// The number of the instance's life.
    package var epoch: Int64
    package var counter: String
    package var service: String
    package var dimension: String
    package var spans: [Span]

    /// Σ (closing − opening).
    package var difference: Int64 { spans.reduce(0) { $0 &+ $1.difference } }

    package init(
        gateway: String, instance: String, epoch: Int64, counter: String, service: String, dimension: String,
        spans: [Span]
    ) {
        self.gateway = gateway
        self.instance = instance
        self.epoch = epoch
        self.counter = counter
        self.service = service
        self.dimension = dimension
        self.spans = spans
    }
}
