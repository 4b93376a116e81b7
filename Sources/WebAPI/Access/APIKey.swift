internal import CZlib
internal import Crypto

/// An API key: `waybill_` and 49 characters: 256 random bits, and a checksum by which a mistyped key is told from an
/// unknown one without a look into the database.
///
/// Only its SHA-256 is stored: of 256 random bits no slower hash is needed. Its first eight characters are its public
/// name.
package struct APIKey: Sendable, Hashable {
    package static let scheme = "waybill_"
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let secretLength = 43
    private static let checksumLength = 6

    /// The key as its holder has it. Shown once, never logged.
    package let text: String

    /// A new key.
    package init(using generator: inout some RandomNumberGenerator) {
        var words = (0..<4).map { _ in generator.next() as UInt64 }
        var secret: [UInt8] = []
        // The 256 bits as a number to the base 62, by long division.
        for _ in 0..<Self.secretLength {
            var remainder: UInt64 = 0
            for index in words.indices {
                let (quotient, rest) = (62 as UInt64).dividingFullWidth((remainder, words[index]))
                words[index] = quotient
                remainder = rest
            }
            secret.append(Self.digits[Int(remainder)])
        }
        text = Self.scheme + String(decoding: secret + Self.checksum(secret), as: UTF8.self)
    }

    /// Reads a key; nil when it is none, or was mistyped.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let scheme = Array(Self.scheme.utf8)
        guard bytes.count == scheme.count + Self.secretLength + Self.checksumLength, bytes.starts(with: scheme) else {
            return nil
        }
        let secret = Array(bytes[scheme.count..<(scheme.count + Self.secretLength)])
        guard Array(bytes.suffix(Self.checksumLength)) == Self.checksum(secret) else { return nil }
        self.text = text
    }

    /// What a person may see of it.
    package var prefix: String { String(text.dropFirst(Self.scheme.count).prefix(8)) }

    /// What is stored: the SHA-256 of the whole key.
    package var digest: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    private static func checksum(_ secret: [UInt8]) -> [UInt8] {
        var rest = secret.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
        return (0..<checksumLength).map { _ in
            defer { rest /= 62 }
            return digits[Int(rest % 62)]
        }
    }
}
