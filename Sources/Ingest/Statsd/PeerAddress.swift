internal import Glibc
internal import Metering

/// A sender's IP address: 4 or 16 bytes.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Nil for what is no IP address.
    package init?(_ text: String) {
        var buffer = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &buffer) == 1 {
            bytes = Array(buffer[0..<4])
        } else if inet_pton(AF_INET6, text, &buffer) == 1 {
            bytes = buffer
        } else {
            return nil
        }
    }

    /// FNV-1a.
    private var hash: UInt64 { bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }

    /// One of those that send from here.
    func sender(port: UInt64) -> SenderWatch.Sender { SenderWatch.Sender(address: hash, port: port) }

    package var description: String {
        guard bytes.count == 4 || bytes.count == 16 else { return "unknown" }
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            return "unknown"
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// `10.0.0.0/8`, `2001:db8::/32`, or one address.
package struct CIDRBlock: Hashable, Sendable, CustomStringConvertible {
    private let network: PeerAddress
    private let length: Int

    /// Nil for what is none.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let network = PeerAddress(String(parts[0])) else { return nil }
        let longest = network.bytes.count * 8
        guard let length = parts.count == 1 ? longest : Int(parts[1]), (0...longest).contains(length) else {
            return nil
        }
        self.network = network
        self.length = length
    }

    package static let loopback: [CIDRBlock] = ["127.0.0.0/8", "::1/128"].compactMap { CIDRBlock($0) }

    package func contains(_ address: PeerAddress) -> Bool {
        guard address.bytes.count == network.bytes.count else { return false }
        for index in 0..<(length / 8) where address.bytes[index] != network.bytes[index] { return false }
        let rest = length % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
        return (address.bytes[length / 8] ^ network.bytes[length / 8]) & mask == 0
    }

    package var description: String { "\(network)/\(length)" }
}
