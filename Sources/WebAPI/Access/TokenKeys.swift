import Foundation
import JWTKit

/// The public keys of a JWKS file.
struct TokenKeys: Sendable {
    let collection: JWTKeyCollection
    /// The key type by key id.
    let kinds: [String: String]

    /// By what a file that was changed is told: it was written, or another was put in its place.
    struct Stamp: Equatable, Sendable {
        let changed: Date?
        let size: Int?
        let file: Int?

        /// Nil where there is no file.
        init?(of path: String) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
            changed = attributes[.modificationDate] as? Date
            size = attributes[.size] as? Int
            file = attributes[.systemFileNumber] as? Int
        }
    }

    /// - Throws: `TokenVerifier.Refused` with the file and the remedy.
    init(file: String) async throws {
        typealias Refused = TokenVerifier.Refused
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Refused(reason: "the JWKS file \(file) can not be read")
        }
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let entries = object["keys"] as? [[String: Any]], !entries.isEmpty
        else { throw Refused(reason: "\(file) is not a JWKS: expected {\"keys\": [{\"kty\": …, \"kid\": …}]}") }
        var kinds: [String: String] = [:]
        for (index, entry) in entries.enumerated() {
            guard let kid = entry["kid"] as? String, !kid.isEmpty else {
                throw Refused(reason: "\(file): key \(index + 1) has no kid; give it one, for tokens name it")
            }
            guard let kind = entry["kty"] as? String, ["RSA", "EC", "OKP"].contains(kind) else {
                throw Refused(
                    reason: "\(file): key \(kid) is not of kty RSA, EC or OKP; a shared secret (oct) is not taken")
            }
            guard entry["d"] == nil else {
                throw Refused(reason: "\(file): key \(kid) holds its private part; put the public one there")
            }
            guard kinds.updateValue(kind, forKey: kid) == nil else {
                throw Refused(reason: "\(file): there are two keys of kid \(kid)")
            }
        }
        self.kinds = kinds
        collection = JWTKeyCollection()
        do {
            try await collection.add(jwksJSON: String(decoding: data, as: UTF8.self))
        } catch {
            throw Refused(reason: "\(file): a key can not be used: \(error)")
        }
    }
}
