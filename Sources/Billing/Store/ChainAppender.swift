import FoundationEssentials
import Metering
import PostgreSQL
import UsageStore

/// Gives numbers without a gap, and appends to the chain of a series. A series is locked from its first use to the end
/// of the transaction.
struct ChainAppender {
    /// What is appended.
    struct Entry {
        var kind: ChainLink.Kind
        var number: String
        var tenant: Int64
        var subject: UUID
        var documentDigest: String
    }

    let connection: PostgresConnection
    let now: Timestamp
    let by: String

    /// Locks series, always in the same order.
    func lock(_ series: Set<String>) async throws {
        for name in series.sorted() {
            _ = try await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('waybill.series.' || $1, 0))", [name])
        }
    }

    /// The next `count` numbers of a locked series: `INV-2026-000001`, … A rollback gives them back.
    func numbers(_ series: String, year: Int, count: Int) async throws -> [String] {
        let rows = try await connection.execute(
            """
            INSERT INTO invoice_series (series, year, last_number) VALUES ($1, $2, $3)
            ON CONFLICT (series, year) DO UPDATE SET last_number = invoice_series.last_number + $3
            RETURNING last_number
            """, [series, Int32(year), Int64(count)])
        let last: Int64 = try rows[0].decode(0)
        return (last - Int64(count) + 1...last).map { Self.number(series, year: year, $0) }
    }

    static func number(_ series: String, year: Int, _ number: Int64) -> String {
        let digits = String(number)
        return "\(series)-\(year)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// Appends to a locked series.
    @discardableResult
    func append(_ entries: [Entry], to series: String) async throws -> [ChainLink] {
        let heads = try await connection.execute(
            "SELECT position, hash FROM chain_entry WHERE series = $1 ORDER BY position DESC LIMIT 1", [series])
        var position: Int64 = try heads.first?.decode(0) ?? 0
        var previous = try heads.first.map { Digest.text(try $0.decode(1, as: [UInt8].self)) } ?? Digest.zero
        var links: [ChainLink] = []
        for entry in entries {
            position += 1
            let link = ChainLink(
                series: series, position: position, kind: entry.kind, number: entry.number,
                subject: entry.subject.text, documentDigest: entry.documentDigest, enteredAt: now.description,
                enteredBy: by, previousHash: previous)
            previous = link.hash
            links.append(link)
        }
        func bytes(_ digests: [String]) -> [[UInt8]] { digests.map { Digest.bytes($0) ?? [] } }
        _ = try await connection.execute(
            """
            INSERT INTO chain_entry (
                series, entered_at, entered_by, position, kind, number, tenant_id, subject_id, document_digest,
                previous_hash, hash
            )
            SELECT $1, $2, $3, * FROM unnest(
                $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::uuid[], $9::bytea[], $10::bytea[], $11::bytea[]
            )
            """,
            [
                series, now.postgres, by, links.map(\.position), links.map(\.kind.rawValue), links.map(\.number),
                entries.map(\.tenant), entries.map(\.subject), bytes(links.map(\.documentDigest)),
                bytes(links.map(\.previousHash)), bytes(links.map(\.hash)),
            ])
        return links
    }
}
