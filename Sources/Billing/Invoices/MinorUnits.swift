/// Whole minor units as JSON: an integer up to 2^53 − 1, a string of digits beyond, so that no reader loses one.
struct MinorUnits: Codable {
    static let largestNumber: Int128 = 9_007_199_254_740_991
    let value: Int128

    init(_ value: Int128) { self.value = value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            value = Int128(number)
        } else {
            let text = try container.decode(String.self)
            guard let number = Int128(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no whole number")
            }
            value = number
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if value.magnitude <= Self.largestNumber.magnitude {
            try container.encode(Int64(value))
        } else {
            try container.encode(String(value))
        }
    }
}

extension KeyedDecodingContainer {
    func minorUnits(forKey key: Key) throws -> Int128 { try decode(MinorUnits.self, forKey: key).value }
}

extension KeyedEncodingContainer {
    mutating func encode(minorUnits value: Int128, forKey key: Key) throws {
        try encode(MinorUnits(value), forKey: key)
    }
}
