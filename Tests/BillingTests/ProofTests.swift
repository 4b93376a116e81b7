import Metering
import PostgreSQL
import Pricing
import Testing

@testable import Billing

/// Bundles, signatures, explanations, and the arithmetic over random inputs.
@Suite struct ProofTests {
    /// A bundle as `invoice export` writes it.
    private func bundle(key: SigningKey?, usage: Int64 = 1_500_000_000) throws -> [UInt8] {
        let inputs = try Made.inputs(
            book: Books.yaml(charges: Books.tiers),
            usage: [("2026-03-02T00:00:00Z", usage), ("2026-03-05T12:15:00Z", 77)])
        let document = try InvoiceDocument(
            inputs,
            InvoiceIdentity(
                id: "0190a000-0000-7000-8000-000000000002", revision: 1, issuedOn: "2026-04-02",
                issuedAt: "2026-04-02T00:00:00Z"))
        let text = try document.sealedText()
        let link = ChainLink(
            series: "INV", position: 7, kind: .invoice, number: "INV-2026-000007",
            subject: document.id ?? "", documentDigest: Digest.hex(text), enteredAt: "2026-04-02T00:00:00Z",
            enteredBy: "ada", previousHash: Digest.zero)
        var numbered = document
        numbered.number = link.number
        var parts: [InputPart: String] = [:]
        for part in try inputs.parts() { parts[part.part] = part.text }
        return try InvoiceBundle(
            Invoice(document: numbered, status: .finalized, seal: link.seal), documentText: text, parts: parts,
            chain: link,
            paper: "paper\n", key: key
        ).bytes
    }

    @Test func `A bundle is consistent without a key, and authentic with the seller's`() throws {
        let key = SigningKey()
        let bytes = try bundle(key: key)
        let without = try InvoiceBundle.verify(bytes, key: nil)
        #expect(!without.verification.isBroken && !without.isAuthenticated)
        let with = try InvoiceBundle.verify(bytes, key: key.publicKey)
        #expect(!with.verification.isBroken && with.isAuthenticated)
    }

    @Test func `Another's key does not authenticate a bundle`() throws {
        let finding = try InvoiceBundle.verify(try bundle(key: SigningKey()), key: SigningKey().publicKey)
        #expect(finding.verification.isBroken && !finding.isAuthenticated)
    }

    @Test func `An unsigned bundle is consistent, and fails with a key`() throws {
        let bytes = try bundle(key: nil)
        #expect(try !InvoiceBundle.verify(bytes, key: nil).verification.isBroken)
        #expect(try InvoiceBundle.verify(bytes, key: SigningKey().publicKey).verification.isBroken)
    }

    @Test func `A bundle edited and re-hashed in every place fails with the key`() throws {
        let key = SigningKey()
        // All digests are right: another invoice, packed by someone who has no private key but their own.
        let forged = try bundle(key: SigningKey(), usage: 5)
        #expect(try !InvoiceBundle.verify(forged, key: nil).verification.isBroken)
        #expect(try InvoiceBundle.verify(forged, key: key.publicKey).verification.isBroken)
        // With the seller's old signature kept beside it, it fails without a key too.
        var files = try TarArchive.files(try bundle(key: nil, usage: 5))
        files.append(try #require(TarArchive.files(try bundle(key: key)).first { $0.name == "signature.json" }))
        #expect(try InvoiceBundle.verify(TarArchive.bytes(files), key: nil).verification.isBroken)
    }

    @Test func `Any single changed byte of a signed bundle's files is found`() throws {
        let key = SigningKey()
        let files = try TarArchive.files(try bundle(key: key))
        for (index, file) in files.enumerated() {
            for place in stride(from: 0, to: file.content.count, by: max(1, file.content.count / 40)) {
                var edited = files
                edited[index].content[place] ^= 1
                let finding = try? InvoiceBundle.verify(TarArchive.bytes(edited), key: key.publicKey)
                #expect(finding?.verification.isBroken ?? true, "\(file.name), byte \(place)")
            }
        }
    }

    @Test(arguments: [0, 1, 511, 512, 513, 4000])
    func `A file that ends in the middle is no bundle`(length: Int) throws {
        let bytes = try bundle(key: nil)
        #expect(throws: BillingError.self) { try InvoiceBundle.verify(Array(bytes.prefix(length)), key: nil) }
    }

    @Test func `Keys come back from their files, and nothing else is taken for one`() throws {
        let key = SigningKey()
        #expect(try SigningKey(key.privateText, file: "k").publicKey == key.publicKey)
        #expect(try SigningKey.publicKey(key.publicText, file: "k") == key.publicKey)
        #expect(try SigningKey.publicKey(key.publicKey + "\n", file: "k") == key.publicKey)
        #expect(throws: BillingError.self) { try SigningKey(key.publicText, file: "k") }
        #expect(throws: BillingError.self) { try SigningKey.publicKey("ssh-ed25519 AAAA", file: "k") }
    }

    // MARK: Random inputs

    private func random(_ generator: inout SeededGenerator) throws -> InvoiceInputs {
        func pick(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &generator) }
        let first = try Made.inputs().period
        let start = (Timestamp(first.start) ?? .earliest).microseconds / QuarterHour.microseconds
        var blocks: [UsageBlock] = []
        for service in 0..<pick(0...3) {
            for gateway in 0..<pick(1...2) {
                let hours = Set((0..<pick(1...12)).map { _ in start + pick(0...2975) }).sorted()
                blocks.append(
                    UsageBlock(
                        gateway: "g\(gateway)", service: "s\(service)", quarterHours: hours,
                        quantities: ["requests": hours.map { _ in pick(0...3_000_000_000) }]))
            }
        }
        let extra = [
            "minimum: {amount_minor: \(pick(0...5000))}", "maximum: {amount_minor: \(pick(5000...20000))}",
            "base_fee: {amount_minor: \(pick(0...500))}",
            "discounts:\n- {name: D, percent: \"\(pick(0...100))\"}",
            "taxes:\n- {name: VAT, percent: \"19\"}\n- {name: City, percent: \"1.5\"}",
        ].filter { _ in pick(0...1) == 0 }.joined(separator: "\n")
        let credits = (0..<pick(0...2)).map {
            InvoiceCredit(id: "c\($0)", name: "Credit", expires: nil, amountMinor: Int128(pick(1...9000)))
        }
        return try Made.inputs(book: Books.yaml(charges: Books.tiers, extra: extra), blocks: blocks, credits: credits)
    }

    @Test func `For any inputs: preview is finalize, sums are sums, and what is stored computes the same again`() throws
    {
        var generator = SeededGenerator(seed: 20_261_124)
        for _ in 0..<300 {
            let inputs = try random(&generator)
            let preview = try InvoiceDocument(inputs)
            let identity = InvoiceIdentity(
                id: "0190a000-0000-7000-8000-000000000002", revision: 1, number: "INV-2026-000001",
                issuedOn: "2026-04-02", issuedAt: "2026-04-02T00:00:00Z")
            var finalized = try InvoiceDocument(inputs, identity)
            #expect(finalized.lines.reduce(0) { $0 + $1.amountMinor } == finalized.subtotalMinor)
            #expect(
                finalized.taxes.reduce(finalized.subtotalMinor) { $0 + $1.amountMinor } == finalized.totalMinor)
            #expect(
                finalized.credits.reduce(finalized.payableMinor) { $0 + $1.amountMinor } == finalized.totalMinor)
            #expect(finalized.payableMinor >= 0)
            #expect(finalized.usage.days.reduce(0) { $0 + $1.requests } == finalized.usage.requests)

            var parts: [InputPart: String] = [:]
            for part in try inputs.parts() { parts[part.part] = part.text }
            #expect(DocumentCheck.link(try finalized.sealedText(), parts).state == .holds)

            (finalized.id, finalized.number, finalized.issuedOn, finalized.issuedAt) = (nil, nil, nil, nil)
            #expect(finalized == preview)

            for line in preview.lines {
                let explanation = try Explanation(line, of: preview, inputs)
                guard line.kind == .usage else { continue }
                check(explanation.parts, amount: line.amountMinor, quantity: line.quantity ?? 0)
            }
        }
    }

    /// Σ parts = whole, at every level.
    private func check(_ parts: [Explanation.Part], amount: Int128, quantity: Int64) {
        guard !parts.isEmpty else { return }
        #expect(parts.reduce(0) { $0 + $1.amountMinor } == amount)
        #expect(parts.reduce(0) { $0 + $1.quantity } == quantity)
        for part in parts { check(part.parts, amount: part.amountMinor, quantity: part.quantity) }
    }

    @Test func `USD 10.00 over thirds of a billion is 3.33, 3.33 and 3.34`() throws {
        let charge = "- {dimension: requests, name: R, model: per_unit, per_units: 1000000000, amount_minor: 1000}"
        let hour = QuarterHour(containing: .at("2026-03-02T00:00:00Z")).number
        let blocks = [("a", 333_333_333 as Int64), ("b", 333_333_333), ("c", 333_333_334)].map {
            UsageBlock(gateway: "g", service: $0.0, quarterHours: [hour], quantities: ["requests": [$0.1]])
        }
        let inputs = try Made.inputs(book: Books.yaml(charges: charge), blocks: blocks)
        let document = try InvoiceDocument(inputs)
        let explanation = try Explanation(document.lines[0], of: document, inputs)
        #expect(explanation.parts.map(\.amountMinor) == [333, 333, 334])
    }

    @Test func `The arithmetic of a tier stands in words`() throws {
        let inputs = try Made.inputs(
            book: Books.yaml(charges: Books.tiers), usage: [("2026-03-02T00:00:00Z", 12_345_678_901)])
        let document = try InvoiceDocument(inputs)
        let words = try Explanation(document.lines[2], of: document, inputs).arithmetic
        #expect(
            words == [
                "12,345,678,901 requests were counted in the period.",
                "Tier 3 takes the units from 10,000,000,001 on: 2,345,678,901 of them.",
                "2,345,678,901 × USD 30.00 per 1,000,000,000 = USD 70.37036703, rounded half up once: USD 70.37.",
            ])
    }
}

/// SplitMix64: the same numbers from a seed each time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
