import Foundation
import Reports

/// Prints pages as PDF by a few processes of WeasyPrint, which live on. A process prints on a thread of its own, never on
/// those that answer requests; who finds none free waits, and above a bound is told to come again.
package actor PDFPrinter {
    /// Processes at once, and requests that may wait for one.
    static let most = 2
    static let mostWaiting = 8

    private let script: String
    private let folder: String
    private var idle: [WeasyPrint]
    private var started = 1
    private var waiting: [CheckedContinuation<WeasyPrint, Never>] = []

    /// - Throws: `ReportError` that says how to install WeasyPrint.
    init(script: String) throws(ReportError) {
        self.script = script
        idle = [try WeasyPrint.find(script: script)]
        folder = NSTemporaryDirectory() + "waybill-print-\(UUID().uuidString)"
    }

    func print(_ page: String) async throws -> [UInt8] {
        let printer = try await take()
        defer { give(printer) }
        try Task.checkCancellation()
        // Whoever else has an account here does not read invoices.
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = "\(folder)/\(UUID().uuidString).pdf"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await printer.print(page, to: file)
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw ReportError(.failedProgram, "\(file) was printed and can not be read")
        }
        return Array(bytes)
    }

    private func take() async throws -> WeasyPrint {
        if let printer = idle.popLast() { return printer }
        if started < Self.most {
            started += 1
            return try WeasyPrint.find(script: script)
        }
        guard waiting.count < Self.mostWaiting else {
            throw Problem(
                "unavailable", "Service unavailable", 503,
                "\(Self.most) invoices are being printed and \(waiting.count) wait; come again, or take text/html",
                retryAfter: 2)
        }
        return await withCheckedContinuation { waiting.append($0) }
    }

    private func give(_ printer: WeasyPrint) {
        if waiting.isEmpty { idle.append(printer) } else { waiting.removeFirst().resume(returning: printer) }
    }
}
