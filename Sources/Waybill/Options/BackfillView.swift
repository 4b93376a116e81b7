import Foundation
import Pricing
import Reports
import UsageStore

/// A batch of corrections for a person, or as JSON.
struct BackfillView: Encodable {
    private let batch: CorrectionBatch
    private let differences: [CorrectionDifference]

    init(_ batch: CorrectionBatch, _ differences: [CorrectionDifference]) {
        self.batch = batch
        self.differences = differences
    }

    func print(_ format: OutputFormat) throws {
        switch format {
        case .json: Swift.print(try JSONEncoder.waybill.text(self))
        case .table: Swift.print(text)
        }
    }

    private var text: String {
        var lines = ["Batch \(batch.name): \(batch.state.rawValue), from \(batch.source)"]
        if let reason = batch.reason { lines.append("Reason: \(reason)") }
        lines.append("Proposed \(batch.proposedAt) by \(batch.proposedBy)")
        if let at = batch.appliedAt { lines.append("Applied \(at) by \(batch.appliedBy ?? "")") }
        if let at = batch.revertedAt { lines.append("Reverted \(at) by \(batch.revertedBy ?? "")") }
        var table = TextTable([.left, .left, .left, .left, .right, .right, .right, .right, .left])
        table.add("tenant", "gateway", "service", "dimension", "quarter hours", "before", "change", "after", "")
        table.addRule()
        for difference in differences {
            table.add(
                difference.tenant, difference.gateway, difference.service, difference.dimension,
                Digits.grouped(difference.quarterHours), Digits.grouped(difference.before),
                (difference.change > 0 ? "+" : "") + Digits.grouped(difference.change),
                Digits.grouped(difference.after), "\(difference.from) – \(difference.to)")
        }
        return (lines + ["", table.text]).joined(separator: "\n")
    }

    static func table(_ batches: [CorrectionBatch]) -> String {
        guard !batches.isEmpty else { return "There are no batches." }
        var table = TextTable([.left, .left, .right, .left, .left])
        table.add("batch", "state", "rows", "last change", "reason")
        table.addRule()
        for batch in batches {
            let last =
                batch.revertedAt.map { "\($0) by \(batch.revertedBy ?? "")" }
                ?? batch.appliedAt.map { "\($0) by \(batch.appliedBy ?? "")" }
                ?? "\(batch.proposedAt) by \(batch.proposedBy)"
            table.add(
                batch.name, batch.state.rawValue, Digits.grouped(batch.rows), last, batch.reason ?? batch.source)
        }
        return table.text
    }
}
