/// A self-contained archive of a finalized invoice: whoever holds it can compute the invoice again, without a database.
///
/// `manifest.json` names every file with its SHA-256 and holds the entry of the hash chain; `signature.json` signs the
/// manifest's bytes with Ed25519.
package struct InvoiceBundle: Sendable {
    /// What `manifest.json` says.
    private struct Manifest: Codable {
        var format: String
        var number: String
        var chain: ChainLink
        var files: [Entry]
        var events: [InvoiceEvent]

        struct Entry: Codable {
            var name: String
            var sha256: String
            var bytes: Int
        }
    }

    private struct Signature: Codable {
        var algorithm: String
        var publicKey: String
        var signature: String

        private enum CodingKeys: String, CodingKey {
            case algorithm, signature
            case publicKey = "public_key"
        }
    }

    private static let format = "waybill-bundle/1"

    /// The archive's bytes.
    package let bytes: [UInt8]

    /// Packs a finalized invoice.
    ///
    /// - Parameters:
    ///   - paper: the invoice as text, for people.
    ///   - key: signs it; nil leaves it unsigned.
    package init(
        _ invoice: Invoice, documentText: String, parts: [InputPart: String], chain: ChainLink, paper: String,
        key: SigningKey?
    ) throws(BillingError) {
        let inputs = try InvoiceInputs(parts: parts) { text throws(BillingError) in try FrozenPrice(canonical: text) }
        var files: [(name: String, content: [UInt8])] = [
            ("document.json", Array(documentText.utf8)),
            ("readings.csv", Array(ReadingsAnnex.csv(inputs.readings).utf8)), ("invoice.txt", Array(paper.utf8)),
            ("README.txt", Array(Self.readMe.utf8)),
        ]
        for part in InputPart.allCases {
            if let text = parts[part] { files.append(("inputs/\(part.rawValue).json", Array(text.utf8))) }
        }
        let manifest = Manifest(
            format: Self.format, number: chain.number, chain: chain,
            files: files.map { Manifest.Entry(name: $0.name, sha256: Digest.hex($0.content), bytes: $0.content.count) },
            events: invoice.events)
        let manifestText = try CanonicalCoding.text(manifest)
        files.insert(("manifest.json", Array(manifestText.utf8)), at: 0)
        if let key {
            let signature = Signature(
                algorithm: "Ed25519", publicKey: key.publicKey, signature: try key.sign(manifestText))
            files.append(("signature.json", Array(try CanonicalCoding.text(signature).utf8)))
        }
        bytes = TarArchive.bytes(files)
    }

    private static let readMe = """
        This archive holds an invoice with all that it was computed from.

        manifest.json   every file with its SHA-256, and the invoice's entry in the hash chain of its series
        document.json   what stands on paper (its number is in the manifest)
        inputs/         terms, price version, consumption records, meter readings, coverage, credits
        readings.csv    all meter readings; its SHA-256 stands on the invoice
        invoice.txt     the invoice for people
        signature.json  Ed25519 over manifest.json

        waybill verify FILE                computes the invoice again, offline
        waybill verify FILE --key KEY.pub  and tells whether the seller signed it

        """

    /// What was found in a bundle.
    package struct Finding: Sendable {
        package var verification: Verification
        /// Signed by the key that was given.
        package var isAuthenticated: Bool
        /// The key that the bundle says it is signed by.
        package var signer: String?
        package var total: Int128
        package var currency: String
    }

    /// Checks an archive offline: digests, document against inputs, chain entry, and the signature.
    ///
    /// - Parameter key: the seller's public key, 64 hexadecimal digits; without it a bundle can only be consistent.
    /// - Throws: `unreadable` where the bytes are no bundle.
    package static func verify(_ bytes: [UInt8], key: String?) throws(BillingError) -> Finding {
        let files = try TarArchive.files(bytes)
        func text(_ name: String) throws(BillingError) -> String {
            guard let file = files.first(where: { $0.name == name }) else {
                throw BillingError(.unreadable, "the bundle lacks \(name)")
            }
            return String(decoding: file.content, as: UTF8.self)
        }
        let manifestText = try text("manifest.json")
        let manifest: Manifest = try CanonicalCoding.value(from: manifestText, "manifest.json")
        guard manifest.format == format else {
            throw BillingError(.unreadable, "the bundle's format is \(manifest.format); this program reads \(format)")
        }
        var findings: [String] = []
        for entry in manifest.files {
            guard let file = files.first(where: { $0.name == entry.name }) else {
                findings.append("\(entry.name) is missing")
                continue
            }
            if Digest.hex(file.content) != entry.sha256 { findings.append("\(entry.name) was changed") }
        }
        let listed = Set(manifest.files.map(\.name)).union(["manifest.json", "signature.json"])
        for file in files where !listed.contains(file.name) { findings.append("\(file.name) is not in the manifest") }
        var links = [
            Verification.Link(
                "files", broken: findings, holds: "\(manifest.files.count) files are as the manifest says")
        ]

        let documentText = try text("document.json")
        var parts: [InputPart: String] = [:]
        for part in InputPart.allCases where files.contains(where: { $0.name == "inputs/\(part.rawValue).json" }) {
            parts[part] = try text("inputs/\(part.rawValue).json")
        }
        links.append(DocumentCheck.link(documentText, parts))
        let document: InvoiceDocument = try CanonicalCoding.value(from: documentText, "document.json")

        findings = []
        if manifest.chain.documentDigest != Digest.hex(documentText) {
            findings.append("the entry in the hash chain is of another document")
        }
        if manifest.chain.hash != manifest.chain.expectedHash { findings.append("the entry's hash is not its own") }
        if manifest.chain.number != manifest.number || manifest.chain.subject != document.id {
            findings.append("number or id are not those of the chain's entry")
        }
        links.append(
            Verification.Link(
                "hash chain", broken: findings,
                holds: "entry \(manifest.chain.position) of \(manifest.chain.series), hash \(manifest.chain.hash)"))

        let csvDigest = Digest.hex(try text("readings.csv"))
        links.append(
            Verification.Link(
                "meter readings",
                broken: csvDigest == document.readings.csvDigest
                    ? [] : ["readings.csv is not the list whose hash stands on the invoice"],
                holds: "\(document.readings.readingCount) readings, SHA-256 as on paper"))

        let (signature, signer, isAuthenticated) = try signatureLink(files, manifestText, key)
        links.append(signature)
        return Finding(
            verification: Verification(number: manifest.number, links: links), isAuthenticated: isAuthenticated,
            signer: signer, total: document.totalMinor, currency: document.currency)
    }

    private static func signatureLink(
        _ files: [(name: String, content: [UInt8])], _ manifest: String, _ key: String?
    ) throws(BillingError) -> (Verification.Link, signer: String?, isAuthenticated: Bool) {
        let name = "signature"
        guard let file = files.first(where: { $0.name == "signature.json" }) else {
            guard key == nil else {
                return (Verification.Link(name, .broken, ["the bundle is not signed"]), nil, false)
            }
            return (Verification.Link(name, .holds, ["not signed"]), nil, false)
        }
        let text = String(decoding: file.content, as: UTF8.self)
        let signature: Signature = try CanonicalCoding.value(from: text, "signature.json")
        guard signature.algorithm == "Ed25519", try CanonicalCoding.text(signature) == text else {
            return (Verification.Link(name, .broken, ["signature.json was changed"]), nil, false)
        }
        guard key == nil || key == signature.publicKey,
            SigningKey.isValid(signature.signature, of: manifest, by: key ?? signature.publicKey)
        else {
            let finding =
                key != nil && key != signature.publicKey
                ? "signed by \(signature.publicKey), not by the given key" : "the signature is not of this manifest"
            return (Verification.Link(name, .broken, [finding]), signature.publicKey, false)
        }
        let finding =
            key == nil
            ? "by \(signature.publicKey); whether that is the seller's key, only --key can tell" : "by the given key"
        return (Verification.Link(name, .holds, [finding]), signature.publicKey, key != nil)
    }
}
