import Foundation
import TestSupport
import Testing

/// Files that hold what a rendering looked like when it was last looked at.
///
/// `WAYBILL_REGENERATE=1 swift test --filter ReportsTests` writes them anew; look at `git diff` before committing.
enum Golden {
    static let isRegenerating = ProcessInfo.processInfo.environment["WAYBILL_REGENERATE"] != nil

    static func check(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let path = Shipped.path("Tests/ReportsTests/Golden/\(name)")
        if isRegenerating {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            return
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            Issue.record("\(path) is missing; make it with WAYBILL_REGENERATE=1", sourceLocation: sourceLocation)
            return
        }
        // Bytes, not characters: Swift takes CRLF and LF for different ones, but composed and decomposed for equal.
        guard bytes != Data(text.utf8) else { return }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let golden = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let different = (0..<max(lines.count, golden.count)).first { index in
            index >= lines.count || index >= golden.count || lines[index] != golden[index]
        }
        let index = different ?? 0
        Issue.record(
            """
            \(name) differs from its golden file in line \(index + 1):
            golden \(index < golden.count ? String(golden[index]) : "(ends)")
            now    \(index < lines.count ? String(lines[index]) : "(ends)")
            """, sourceLocation: sourceLocation)
    }
}
