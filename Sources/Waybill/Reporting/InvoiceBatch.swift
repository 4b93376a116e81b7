import Crypto
import Foundation
import Reports
import Synchronization

/// Many invoices written to a folder: several at once, each read when its turn comes, and only those not there yet.
///
/// A file appears whole or not at all, so a batch that was stopped goes on where it was. What may still change, a draft
/// or a preview, is written anew each time. Of one invoice the folder holds one file: the preview goes when the invoice
/// comes, and the invoice when it is void.
struct InvoiceBatch: Sendable {
    /// One file in the making.
    struct Item: Sendable {
        let name: String
        /// Whether what is there already is kept.
        let isFinal: Bool
        /// The names that this was written under before.
        var replaces: [String] = []
        let read: @Sendable () async throws -> PrintableInvoice
    }

    struct Outcome: Sendable {
        var written = 0
        var kept = 0
        var replaced = 0
        var failures: [String] = []
    }

    let folder: String
    let format: InvoiceFormat
    let templates: ReportTemplates
    let language: ReportLanguage
    let focus: (dataset: FocusDataset, version: FocusVersion)
    let jobs: Int

    func run(_ items: [Item]) async throws -> Outcome {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError(.failure, "\(folder) can not be made: \(error.localizedDescription)")
        }
        let printers = try format == .pdf ? (0..<jobs).map { _ in try printer() } : []
        defer { for printer in printers { printer.stop() } }
        let course = Course(items)
        await withTaskGroup(of: Void.self) { group in
            for job in 0..<jobs {
                let printer = printers.isEmpty ? nil : printers[job]
                group.addTask {
                    while !Task.isCancelled, let item = course.next() {
                        let result = await write(item, printer)
                        let done = course.finish(result, replaced: removeReplaced(by: item, result))
                        Console.progress(Self.bar(done, of: items.count))
                    }
                }
            }
        }
        Console.clearProgress()
        return course.outcome
    }

    private func printer() throws -> WeasyPrint {
        let script = try ConfigurationFiles.file("reports/print.py")
        return try reportFailure { try WeasyPrint.find(script: script) }
    }

    private func path(_ name: String) -> String { "\(folder)/\(Self.fileName(name)).\(format.ending)" }

    /// - Returns: how many files went.
    private func removeReplaced(by item: Item, _ result: Result) -> Int {
        if case .failed = result { return 0 }
        return item.replaces.count { name in (try? FileManager.default.removeItem(atPath: path(name))) != nil }
    }

    private enum Result {
        case written, kept
        case failed(String)
    }

    private func write(_ item: Item, _ printer: WeasyPrint?) async -> Result {
        let path = path(item.name)
        if item.isFinal, FileManager.default.fileExists(atPath: path) { return .kept }
        do {
            let text = try await item.read().text(format, templates, language, focus: focus)
            if let printer {
                try await printer.print(text, to: path)
            } else {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            }
            return .written
        } catch {
            return .failed("\(item.name): \((error as? CommandError)?.message ?? "\(error)")")
        }
    }

    /// What is next, and what became of what was before; shared by the jobs.
    private final class Course: Sendable {
        private let items: [Item]
        private let state = Mutex((next: 0, outcome: Outcome()))

        init(_ items: [Item]) {
            self.items = items
        }

        func next() -> Item? {
            state.withLock { state in
                guard state.next < items.count else { return nil }
                defer { state.next += 1 }
                return items[state.next]
            }
        }

        /// How many are done.
        func finish(_ result: Result, replaced: Int) -> Int {
            state.withLock { state in
                state.outcome.replaced += replaced
                switch result {
                case .written: state.outcome.written += 1
                case .kept: state.outcome.kept += 1
                case .failed(let message): state.outcome.failures.append(message)
                }
                return state.outcome.written + state.outcome.kept + state.outcome.failures.count
            }
        }

        var outcome: Outcome { state.withLock { $0.outcome } }
    }

    /// A name that is one file, whatever the tenant is called. Where it can not be kept as it is, a digest keeps it apart
    /// from others.
    static func fileName(_ name: String) -> String {
        var file = ""
        for scalar in name.unicodeScalars {
            let isPlain = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            file.unicodeScalars.append(isPlain || "-_.".unicodeScalars.contains(scalar) ? scalar : "_")
        }
        while file.utf8.count > 180 { file.removeLast() }
        if file.hasPrefix(".") { file = "_" + file }
        // Bytes are compared: to Swift composed and decomposed characters are equal, to a folder they are not.
        guard !file.utf8.elementsEqual(name.utf8) else { return file }
        let digest = SHA256.hash(data: Data(name.utf8)).prefix(4)
        return file + "-" + digest.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
    }

    /// `[██████░░░░]  612 of 1,000`.
    static func bar(_ done: Int, of all: Int) -> String {
        let filled = all > 0 ? done * 30 / all : 30
        return "[" + String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            + "]  \(done) of \(all)"
    }
}
