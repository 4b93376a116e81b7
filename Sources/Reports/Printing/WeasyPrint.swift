import Foundation
import Synchronization

/// Prints pages as PDF by one process of WeasyPrint (Debian: `weasyprint`), which lives until `stop()`.
///
/// WeasyPrint's own command would start Python for every page, which takes longer than most pages. Pages are printed one
/// after another; several printers print at once.
package final class WeasyPrint: Sendable {
    /// A printer is started anew after so many pages: Python gives little memory back.
    static let pagesPerProcess = 200

    private let interpreter: String
    private let script: String
    /// Blocking reads of the process's answers happen here, never on the threads of tasks.
    private let queue = DispatchQueue(label: "weasyprint")
    private let running = Mutex<Running?>(nil)

    private init(interpreter: String, script: String) {
        self.interpreter = interpreter
        self.script = script
    }

    /// Looks for `weasyprint` in `WAYBILL_WEASYPRINT` and PATH, and takes the Python that it runs with.
    package static func find(
        script: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ReportError) -> WeasyPrint {
        let named = environment["WAYBILL_WEASYPRINT"]
        let folders = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/weasyprint" }
        let candidates = named.map { [$0] } ?? folders
        guard let program = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw ReportError(
                .missingProgram,
                named.map { "WAYBILL_WEASYPRINT is \($0), which can not be run" }
                    ?? "PDF needs WeasyPrint, which is not installed: apt-get install weasyprint, or take --format html "
                    + "and print it from a browser")
        }
        guard let head = FileManager.default.contents(atPath: program)?.prefix(200),
            let line = String(decoding: head, as: UTF8.self).split(separator: "\n").first, line.hasPrefix("#!"),
            let interpreter = line.dropFirst(2).split(separator: " ").last, interpreter.contains("python")
        else {
            throw ReportError(
                .missingProgram, "\(program) does not begin with the path of a Python; install WeasyPrint from Debian")
        }
        return WeasyPrint(interpreter: String(interpreter), script: script)
    }

    /// Prints a page to a file, whole or not at all.
    package func print(_ html: String, to path: String) async throws {
        let place = URL(fileURLWithPath: path).path
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.printBlocking(html, place)) }
        }
        if let error = result { throw error }
    }

    /// Ends the process.
    package func stop() {
        queue.sync { running.withLock { $0.take() }?.end() }
    }

    private func printBlocking(_ html: String, _ path: String) -> ReportError? {
        let page = NSTemporaryDirectory() + "waybill-page-\(UUID().uuidString).html"
        defer { try? FileManager.default.removeItem(atPath: page) }
        do {
            guard !path.contains("\n"), !path.contains("\t") else {
                return ReportError(
                    .failedProgram, "\(path): a file name with a line break or a tab can not be printed to")
            }
            guard
                FileManager.default.createFile(
                    atPath: page, contents: Data(html.utf8), attributes: [.posixPermissions: 0o600])
            else { return ReportError(.failedProgram, "\(page) can not be written") }
            let process = try current()
            let answer = try process.ask("\(page)\t\(path)")
            guard answer != "ok" else { return nil }
            let reason = answer.split(separator: "\t").dropFirst().joined(separator: " ")
            return ReportError(.failedProgram, "\(path): WeasyPrint did not print the page: \(reason)")
        } catch {
            running.withLock { $0.take() }?.end()
            return ReportError(.failedProgram, "\(path): WeasyPrint ended: \(error)")
        }
    }

    private func current() throws -> Running {
        try running.withLock { running in
            if let process = running, process.pages < Self.pagesPerProcess { return process }
            running?.end()
            let started = try Running(interpreter, script)
            running = started
            return started
        }
    }

    /// One process and its pipes; used on `queue` alone.
    private final class Running: @unchecked Sendable {
        private let process = Process()
        private let input = Pipe()
        private let output = Pipe()
        private let diagnostics = Pipe()
        private var buffer = Data()
        private(set) var pages = 0

        init(_ interpreter: String, _ script: String) throws {
            process.executableURL = URL(fileURLWithPath: interpreter)
            process.arguments = ["-I", script]
            process.standardInput = input
            process.standardOutput = output
            process.standardError = diagnostics
            try process.run()
        }

        struct Ended: Error, CustomStringConvertible {
            let description: String
        }

        func ask(_ line: String) throws -> String {
            pages += 1
            try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
            while true {
                if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                    let answer = String(decoding: buffer[..<end], as: UTF8.self)
                    buffer = Data(buffer[buffer.index(after: end)...])
                    return answer
                }
                let bytes = output.fileHandleForReading.availableData
                guard !bytes.isEmpty else {
                    let said = String(decoding: diagnostics.fileHandleForReading.availableData, as: UTF8.self)
                    let last = said.split(separator: "\n").last.map(String.init)
                    throw Ended(description: last ?? "without a word")
                }
                buffer.append(bytes)
            }
        }

        /// Its input ends, so it does.
        func end() {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }
}
