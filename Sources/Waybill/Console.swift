import Foundation

/// Diagnostics and progress go to stderr; data alone goes to stdout.
enum Console {
    static let isTerminal = isatty(STDERR_FILENO) == 1
    /// Colour on a terminal, unless NO_COLOR asks for none.
    static let hasColour = isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    static func write(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    static func error(_ text: String) {
        write("waybill: \(text)")
    }

    /// A line that the next one replaces, on a terminal; nothing elsewhere.
    static func progress(_ text: String) {
        guard isTerminal else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }

    static func clearProgress() {
        guard isTerminal else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
