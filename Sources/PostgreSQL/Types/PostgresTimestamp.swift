/// An instant as `timestamptz` keeps it.
///
/// `Int64.min` and `Int64.max` are the server's `-infinity` and `infinity`.
package struct PostgresTimestamp: Hashable, Comparable, Sendable {
    package var microsecondsSince1970: Int64

    package init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }

    /// From 1970-01-01 to 2000-01-01, which the server counts from. Unit: microseconds.
    private static let serverEpoch: Int64 = 946_684_800_000_000

    /// Microseconds since 2000, as they are sent.
    fileprivate var wire: Int64 {
        if microsecondsSince1970 == .min || microsecondsSince1970 == .max { return microsecondsSince1970 }
        let (value, overflow) = microsecondsSince1970.subtractingReportingOverflow(Self.serverEpoch)
        // Never -infinity by chance: of one above it the server says "timestamp out of range", as it should.
        return overflow || value == .min ? .min + 1 : value
    }

    fileprivate init(wire: Int64) throws(PostgresDecodingFailure) {
        if wire == .min || wire == .max {
            microsecondsSince1970 = wire
        } else {
            let (value, overflow) = wire.addingReportingOverflow(Self.serverEpoch)
            guard !overflow else { throw .malformed }
            microsecondsSince1970 = value
        }
    }
}

extension PostgresTimestamp: PostgresElement, PostgresArrayable {
    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }
    package func encode(into buffer: inout PostgresBuffer) { buffer.write(wire) }

    package static func encodeElements(_ elements: [PostgresTimestamp], into buffer: inout PostgresBuffer) {
        buffer.writeElements(elements) { $0.wire }
    }

    package static func decode(
        _ bytes: RawSpan, type: PostgresType
    ) throws(PostgresDecodingFailure) -> PostgresTimestamp {
        guard type == .timestamptz else { throw .typeMismatch }
        return try PostgresTimestamp(wire: try bytes.wholeInteger())
    }
}
