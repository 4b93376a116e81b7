/// The annex of meter readings: per gateway and for the largest instances, with the digest of the full list.
package struct ReadingsAnnex: Hashable, Sendable, Codable {
    /// How many instances stand on paper; all are in the CSV.
    package static let largest = 20

    /// The requests of a gateway or an instance.
    package struct Row: Hashable, Sendable, Codable {
        package var gateway: String
        /// Nil for the whole gateway.
        package var instance: String?
        /// Σ of its counters' first openings and last closings. With a reset between, closing − opening is not the
        /// difference; then `resets` is not 0.
        package var opening: Int64
        package var openedAt: String
        package var closing: Int64
        package var closedAt: String
        /// Further spans: resets and restarts, each of which began again.
        package var resets: Int
        /// Σ of the differences: what was counted.
        package var difference: Int64

        private enum CodingKeys: String, CodingKey {
            case gateway, instance, opening, closing, resets, difference
            case openedAt = "opened_at"
            case closedAt = "closed_at"
        }
    }

    package var gateways: [Row]
    /// The largest by difference, at most ``largest``.
    package var instances: [Row]
    /// Instances in the full list.
    package var instanceCount: Int
    /// Readings in the full list.
    package var readingCount: Int
    /// SHA-256 of the full list as CSV, hexadecimal.
    package var csvDigest: String
    /// Σ differences of requests.
    package var difference: Int64
    /// Requests billed from elsewhere: backfills and other corrections. `difference + corrections` = requests billed.
    package var corrections: Int64

    private enum CodingKeys: String, CodingKey {
        case gateways, instances, difference, corrections
        case instanceCount = "instance_count"
        case readingCount = "reading_count"
        case csvDigest = "csv_digest"
    }
}
