/// What verify says of an invoice: each link of the way from tape to paper.
package struct Verification: Hashable, Sendable, Encodable {
    package enum State: String, Hashable, Sendable, Encodable {
        case holds
        case broken
        /// Past retention: what would be compared was dropped in order.
        case noLongerKept = "no longer kept"
    }

    /// One link.
    package struct Link: Hashable, Sendable, Encodable {
        package var name: String
        package var state: State
        /// What was found, one finding each; what a holding link rests on.
        package var findings: [String]

        package init(_ name: String, _ state: State, _ findings: [String] = []) {
            self.name = name
            self.state = state
            self.findings = findings
        }

        /// Broken where anything was found.
        package init(_ name: String, broken findings: [String], holds: String) {
            self.name = name
            state = findings.isEmpty ? .holds : .broken
            self.findings = findings.isEmpty ? [holds] : findings
        }
    }

    package var number: String
    package var links: [Link]

    package var isBroken: Bool { links.contains { $0.state == .broken } }

    package init(number: String, links: [Link]) {
        self.number = number
        self.links = links
    }
}

/// The pure part of verifying: a document against its inputs, and itself.
package enum DocumentCheck {
    /// Recomputes a document from its stored inputs.
    ///
    /// - Parameters:
    ///   - text: the sealed text, without a number.
    ///   - parts: the stored inputs by part, in any order.
    package static func link(_ text: String, _ parts: [InputPart: String]) -> Verification.Link {
        let name = "invoice from its inputs"
        let document: InvoiceDocument
        do {
            document = try CanonicalCoding.value(from: text, "the stored document")
            guard try document.sealedText() == text else {
                return Verification.Link(name, .broken, ["the stored document does not read back as it was written"])
            }
        } catch {
            return Verification.Link(name, .broken, [error.message])
        }
        var findings: [String] = []
        for digest in document.inputs {
            guard let part = InputPart(rawValue: digest.part), let body = parts[part] else {
                findings.append("input \(digest.part) is missing")
                continue
            }
            if Digest.hex(body) != digest.digest {
                findings.append("input \(digest.part) is not what the invoice was computed from")
            }
        }
        for part in parts.keys where !document.inputs.contains(where: { $0.part == part.rawValue }) {
            findings.append("input \(part.rawValue) was added")
        }
        if InvoiceInputs.digest(of: document.inputs) != document.inputsDigest {
            findings.append("the digest over all inputs is another one")
        }
        do {
            let inputs = try InvoiceInputs(parts: parts) { text throws(BillingError) in try FrozenPrice(canonical: text)
            }
            let identity = InvoiceIdentity(
                id: document.id, revision: document.revision, issuedOn: document.issuedOn, issuedAt: document.issuedAt)
            let recomputed = try InvoiceDocument(inputs, identity)
            findings += differences(recomputed, document)
        } catch {
            findings.append(error.message)
        }
        return Verification.Link(
            name, broken: findings,
            holds: "\(document.lines.count) lines, total and payable amount come out as they are")
    }

    private static func differences(_ left: InvoiceDocument, _ right: InvoiceDocument) -> [String] {
        guard left != right else { return [] }
        let parts: [(String, Bool)] = [
            ("engine", left.engine == right.engine), ("tenant", left.tenant == right.tenant),
            ("contract", left.contractID == right.contractID),
            ("parties", left.seller == right.seller && left.buyer == right.buyer),
            ("currency", left.currency == right.currency), ("period", left.period == right.period),
            ("price version", left.price == right.price), ("lines", left.lines == right.lines),
            ("subtotal", left.subtotalMinor == right.subtotalMinor), ("taxes", left.taxes == right.taxes),
            ("total", left.totalMinor == right.totalMinor), ("credits", left.credits == right.credits),
            ("payable amount", left.payableMinor == right.payableMinor), ("usage", left.usage == right.usage),
            ("coverage", left.coverage == right.coverage), ("readings", left.readings == right.readings),
            ("inputs", left.inputs == right.inputs && left.inputsDigest == right.inputsDigest),
        ]
        let names = parts.filter { !$0.1 }.map(\.0)
        return [
            "recomputed from its inputs, the invoice has other \(names.isEmpty ? "values" : names.joined(separator: ", "))"
        ]
    }
}
