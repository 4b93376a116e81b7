internal import Crypto
import Foundation

/// An Ed25519 key pair as files: `KEY`, readable by its owner alone, and `KEY.pub`.
///
/// Each holds one line: what it is, and 32 bytes in hexadecimal.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    private static let privateHead = "waybill-ed25519-private-key "
    private static let publicHead = "waybill-ed25519-public-key "

    /// A new random key.
    package init() { key = Curve25519.Signing.PrivateKey() }

    /// Reads the text of a private key file.
    package init(_ text: String, file: String) throws(BillingError) {
        guard let bytes = Self.bytes(text, Self.privateHead),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else {
            throw BillingError(
                .unreadable, "\(file) holds no private key; make one with waybill key sign-init --key FILE")
        }
        self.key = key
    }

    package var privateText: String { Self.privateHead + Digest.text(Array(key.rawRepresentation)) + "\n" }
    package var publicText: String { Self.publicHead + publicKey + "\n" }
    /// 64 hexadecimal digits.
    package var publicKey: String { Digest.text(Array(key.publicKey.rawRepresentation)) }

    /// 128 hexadecimal digits.
    package func sign(_ text: String) throws(BillingError) -> String {
        do {
            return Digest.text(Array(try key.signature(for: Data(text.utf8))))
        } catch {
            throw BillingError(.unreadable, "the key can not sign: \(error)")
        }
    }

    /// The 64 digits of a public key file's text, or of a bare key.
    package static func publicKey(_ text: String, file: String) throws(BillingError) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if let bytes = bytes(text, publicHead) { return Digest.text(bytes) }
        if trimmed.utf8.count == 64, let bytes = Digest.bytes(trimmed) { return Digest.text(bytes) }
        throw BillingError(.unreadable, "\(file) holds no public key: one line, \(publicHead)and 64 digits")
    }

    /// Whether a signature of a text is by a key.
    package static func isValid(_ signature: String, of text: String, by publicKey: String) -> Bool {
        guard let key = Digest.bytes(publicKey), let signature = Digest.bytes(signature),
            let public_ = try? Curve25519.Signing.PublicKey(rawRepresentation: key)
        else { return false }
        return public_.isValidSignature(signature, for: Data(text.utf8))
    }

    private static func bytes(_ text: String, _ head: String) -> [UInt8]? {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard trimmed.hasPrefix(head), let bytes = Digest.bytes(String(trimmed.dropFirst(head.count))) else {
            return nil
        }
        return bytes.count == 32 ? bytes : nil
    }

    /// The text that a signed head of a chain signs.
    package static func headText(series: String, day: String, position: Int64, hash: String) -> String {
        "waybill-chain-head/1\n\(series)\n\(day)\n\(position)\n\(hash)\n"
    }
}
