import Foundation
import Reports

/// Where a report is written: a file, whole or not at all, or stdout.
enum ReportFile {
    static func write(_ text: String, to path: String?) throws {
        guard let path else {
            // Bytes as they are: CSV ends its lines by CRLF, HTML by LF.
            FileHandle.standardOutput.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
            return
        }
        try write(Data(text.utf8), to: path)
    }

    /// Through a file beside it, so that a reader never finds half a report.
    static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError(.failure, "\(path) can not be written: \(error.localizedDescription)")
        }
        Console.write("\(path): \(data.count) bytes")
    }

    /// Prints a page as PDF.
    static func print(_ html: String, to path: String?) async throws {
        guard let path else {
            throw CommandError(.usage, "a PDF is not for a terminal: give -o FILE")
        }
        do {
            let printer = try WeasyPrint.find(script: try ConfigurationFiles.file("reports/print.py"))
            defer { printer.stop() }
            try await printer.print(html, to: path)
        } catch let error as ReportError {
            throw CommandError(.failure, error.message)
        }
        let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
        Console.write("\(path): \(size ?? 0) bytes")
    }
}
