import Foundation
import Pricing
import Reports
import UsageStore

/// What a version of the meters changes, for a person or as JSON.
struct MeterPreviewView {
    /// Counters that a table lists; JSON has all.
    private static let listed = 40

    private let preview: MeterPreview

    init(_ preview: MeterPreview) {
        self.preview = preview
    }

    func print(_ format: OutputFormat) throws {
        switch format {
        case .json: Swift.print(try JSONEncoder.waybill.text(preview))
        case .table: Swift.print(text)
        }
    }

    private var text: String {
        var parts = ["Meters valid from \(preview.validFrom). \(stored)"]
        if !preview.supersedes.isEmpty {
            let versions = preview.supersedes.map(String.init).joined(separator: ", ")
            parts.append("Versions that were to begin later never come into force: \(versions).")
        }
        guard !preview.moves.isEmpty else { return (parts + ["No stored counter moves."]).joined(separator: "\n") }
        parts.append("\n" + moves)
        parts.append("\n" + tenants)
        return parts.joined(separator: "\n")
    }

    private var stored: String {
        guard let first = preview.firstQuarterHour, let last = preview.lastQuarterHour else {
            return "No quarter hour is stored since then."
        }
        return "\(Digits.grouped(preview.quarterHours)) stored quarter hours are aggregated again: \(first) to \(last)."
    }

    private var moves: String {
        var table = TextTable([.left, .left, .left, .left, .right, .right])
        table.add("gateway", "counter", "from", "to", "quantity", "quarter hours")
        table.addRule()
        for move in preview.moves.prefix(Self.listed) {
            table.add(
                move.gateway, move.counter, Self.words(move.from), Self.words(move.to), Digits.grouped(move.quantity),
                Digits.grouped(move.quarterHours))
        }
        let more = preview.moves.count - Self.listed
        return table.text + (more > 0 ? "\nand \(more) more counters (--format json lists them)" : "")
    }

    private var tenants: String {
        var table = TextTable([.left, .left, .right, .right])
        table.add("tenant", "dimension", "gains", "loses")
        table.addRule()
        for tenant in preview.tenants {
            table.add(tenant.tenant, tenant.dimension, Digits.grouped(tenant.gained), Digits.grouped(tenant.lost))
        }
        return table.text
    }

    private static func words(_ owner: MeterPreview.Owner?) -> String {
        owner.map { "\($0.tenant), \($0.service): \($0.dimension)" } ?? "nobody"
    }

    static func table(_ versions: [MeterVersionRecord]) -> String {
        guard !versions.isEmpty else { return "There are no meters yet: waybill meter apply FILE" }
        var table = TextTable([.right, .left, .left, .left, .left])
        table.add("version", "valid from", "applied", "by", "reason")
        table.addRule()
        for version in versions {
            table.add(
                String(version.version), version.validFrom, version.appliedAt, version.appliedBy,
                (version.inForce ? "(in force) " : "") + (version.reason ?? ""))
        }
        return table.text
    }
}
