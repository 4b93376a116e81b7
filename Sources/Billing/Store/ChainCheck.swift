import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

/// The hash chain, entry by entry.
struct ChainCheck {
    let connection: PostgresConnection

    /// The entry of an invoice, its neighbours, and the entries of its events.
    func link(_ rows: InvoiceRows) async throws -> Verification.Link {
        let name = "hash chain"
        let entries = try await connection.execute(
            """
            SELECT series, position, kind, number, subject_id, document_digest, entered_at, entered_by, previous_hash,
                hash, tenant_id,
                (SELECT before.hash FROM chain_entry AS before
                    WHERE before.series = chain_entry.series AND before.position = chain_entry.position - 1),
                (SELECT after.previous_hash FROM chain_entry AS after
                    WHERE after.series = chain_entry.series AND after.position = chain_entry.position + 1)
            FROM chain_entry WHERE subject_id = $1 ORDER BY series, position
            """, [rows.id])
        var findings: [String] = []
        var invoice: ChainLink?
        var kinds: [ChainLink.Kind: String] = [:]
        for row in entries {
            guard let link = try ChainLink(row) else {
                findings.append("an entry is of an unknown kind")
                continue
            }
            findings += try faults(of: link, row, tenant: rows.tenant)
            kinds[link.kind] = link.documentDigest
            if link.kind == .invoice { invoice = link }
            if link.number != rows.number {
                findings.append("entry \(link.position) is of number \(link.number), the invoice's is \(rows.number)")
            }
        }
        if let invoice {
            if invoice.documentDigest != Digest.hex(rows.document) {
                findings.append("entry \(invoice.position) is of another document")
            }
            if rows.columns["position"] != String(invoice.position) || rows.columns["series"] != invoice.series {
                findings.append("invoice.series and position are not those of its entry")
            }
        } else {
            findings.append("invoice \(rows.number) has no entry")
        }
        for event in rows.events {
            let kind: ChainLink.Kind = event.kind == .void ? .void : .paid
            guard let digest = kinds.removeValue(forKey: kind) else {
                findings.append("the event \(event.kind.rawValue) has no entry")
                continue
            }
            if digest != Digest.hex(try CanonicalCoding.text(event)) {
                findings.append("the event \(event.kind.rawValue) is not as it was entered")
            }
        }
        for kind in [ChainLink.Kind.void, .paid] where kinds[kind] != nil {
            findings.append("the event \(kind.rawValue) was entered and is missing")
        }
        return Verification.Link(
            name, broken: findings,
            holds: invoice.map { "entry \($0.position) of \($0.series), hash \($0.hash)" } ?? "")
    }

    private func faults(of link: ChainLink, _ row: PostgresRow, tenant: Int64) throws -> [String] {
        var faults: [String] = []
        if link.hash != link.expectedHash { faults.append("entry \(link.position) does not hash to what it says") }
        if try row.decode(10, as: Int64.self) != tenant {
            faults.append("entry \(link.position) lies under another tenant")
        }
        let before = try row.decode(11, as: [UInt8]?.self).map(Digest.text)
        if link.previousHash != before ?? (link.position == 1 ? Digest.zero : "") {
            faults.append("entry \(link.position) does not follow the entry before it")
        }
        if let after = try row.decode(12, as: [UInt8]?.self).map(Digest.text), after != link.hash {
            faults.append("the entry after \(link.position) does not follow it")
        }
        return faults
    }

    /// Each series as a whole: no entry missing, no number left out, signed heads as they were, credit notes as sealed.
    func chains() async throws -> [Verification] {
        let rows = try await connection.execute(
            """
            SELECT series, position, kind, number, subject_id, document_digest, entered_at, entered_by, previous_hash,
                hash, tenant_id, (
                    SELECT document FROM credit_note
                    WHERE credit_note.tenant_id = chain_entry.tenant_id AND credit_note_id = subject_id
                )
            FROM chain_entry ORDER BY series, position
            """)
        var series: [String: [ChainLink]] = [:]
        var findings: [String: [String]] = [:]
        for row in rows {
            guard let link = try ChainLink(row) else { continue }
            let before = series[link.series]?.last
            if link.position != (before?.position ?? 0) + 1 || link.previousHash != before?.hash ?? Digest.zero {
                findings[link.series, default: []].append("entry \(link.position) does not follow the one before it")
            }
            if link.hash != link.expectedHash {
                findings[link.series, default: []].append("entry \(link.position) does not hash to what it says")
            }
            if link.kind == .creditNote,
                try row.decode(11, as: String?.self).map(Digest.hex) != link.documentDigest
            {
                findings[link.series, default: []].append("credit note \(link.number) is not as it was issued")
            }
            series[link.series, default: []].append(link)
        }
        let missing = try await connection.execute(
            """
            SELECT series, year, last_number, (
                SELECT count(*) FROM chain_entry
                WHERE chain_entry.series = invoice_series.series AND kind IN ('invoice', 'credit_note')
                    AND number LIKE invoice_series.series || '-' || year || '-%'
            )
            FROM invoice_series ORDER BY series, year
            """)
        for row in missing {
            let (last, count) = (try row.decode(2, as: Int64.self), try row.decode(3, as: Int64.self))
            let name: String = try row.decode(0)
            if last != count {
                findings[name, default: []].append(
                    "\(count) numbers of \(try row.decode(1, as: Int32.self)) are there, the last one given is \(last)")
            }
            if series[name] == nil { series[name] = [] }
        }
        for (name, texts) in try await signedHeads(series) { findings[name, default: []] += texts }
        // A head may be signed for a series that is not there.
        return Set(series.keys).union(findings.keys).sorted().map { name in
            let links = series[name] ?? []
            return Verification(
                number: name,
                links: [
                    Verification.Link(
                        "hash chain of the series", broken: findings[name] ?? [],
                        holds: "\(links.count) entries, head \(links.last?.hash ?? "none")")
                ])
        }
    }

    private func signedHeads(_ series: [String: [ChainLink]]) async throws -> [String: [String]] {
        let rows = try await connection.execute(
            "SELECT series, day::text, position, hash, public_key, signature FROM signed_head ORDER BY series, day")
        var findings: [String: [String]] = [:]
        for row in rows {
            let name: String = try row.decode(0)
            let day: String = try row.decode(1)
            let position: Int64 = try row.decode(2)
            let hash = Digest.text(try row.decode(3))
            let text = SigningKey.headText(series: name, day: day, position: position, hash: hash)
            if !SigningKey.isValid(
                Digest.text(try row.decode(5)), of: text, by: Digest.text(try row.decode(4)))
            {
                findings[name, default: []].append("the signature of the head of \(day) is not valid")
            }
            if series[name]?.first(where: { $0.position == position })?.hash != hash {
                findings[name, default: []].append("entry \(position), signed on \(day), is another one now")
            }
        }
        return findings
    }
}

extension ChainLink {
    /// Columns: series, position, kind, number, subject, digest, entered at, by, previous hash, hash.
    init?(_ row: PostgresRow) throws {
        guard let kind = Kind(rawValue: try row.decode(2)) else { return nil }
        self.init(
            series: try row.decode(0), position: try row.decode(1), kind: kind, number: try row.decode(3),
            subject: try row.decode(4, as: UUID.self).text, documentDigest: Digest.text(try row.decode(5)),
            enteredAt: Timestamp(try row.decode(6, as: PostgresTimestamp.self)).description,
            enteredBy: try row.decode(7), previousHash: Digest.text(try row.decode(8)),
            hash: Digest.text(try row.decode(9)))
    }
}
