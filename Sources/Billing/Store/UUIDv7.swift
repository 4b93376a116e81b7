package import FoundationEssentials
package import Metering

extension UUID {
    /// A UUIDv7 (RFC 9562): milliseconds since 1970, then random bits. Ids sort by the time at which they were made.
    package static func version7(_ now: Timestamp) -> UUID {
        let milliseconds = UInt64(clamping: now.microseconds / 1000)
        let high = UInt64.random(in: 0...UInt64.max)
        let low = UInt64.random(in: 0...UInt64.max)
        func byte(_ value: UInt64, _ shift: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value >> shift) }
        return UUID(
            uuid: (
                byte(milliseconds, 40), byte(milliseconds, 32), byte(milliseconds, 24), byte(milliseconds, 16),
                byte(milliseconds, 8), byte(milliseconds, 0), 0x70 | byte(high, 8) & 0x0f, byte(high, 0),
                0x80 | byte(low, 56) & 0x3f, byte(low, 48), byte(low, 40), byte(low, 32), byte(low, 24),
                byte(low, 16), byte(low, 8), byte(low, 0)
            ))
    }

    /// Lower-case digits and hyphens.
    package var text: String { uuidString.lowercased() }
}
