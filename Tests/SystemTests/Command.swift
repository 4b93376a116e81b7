import DemoGateway
import Foundation

/// A program run to its end: its exit and what it printed.
struct Command: Sendable {
    let exit: ChildProcess.Exit
    /// What stood on stdout.
    let output: String
    /// What stood on stderr.
    let diagnostics: String

    /// Runs `waybill` with the arguments.
    static func waybill(_ arguments: String...) async throws -> Command {
        try await run(Checkout.waybill, arguments)
    }

    static func waybill(_ arguments: [String]) async throws -> Command {
        try await run(Checkout.waybill, arguments)
    }

    /// Runs a program to its end; kills it, and throws, when that takes longer than the limit.
    static func run(
        _ executable: String, _ arguments: [String], within limit: Duration = .seconds(120)
    ) async throws -> Command {
        let files = FileManager.default.temporaryDirectory.path + "/waybill-command-\(UUID().uuidString)"
        let (output, diagnostics) = (files + ".out", files + ".err")
        defer {
            for file in [output, diagnostics] { try? FileManager.default.removeItem(atPath: file) }
        }
        // A child process has one log; the shell parts stderr from it and becomes the program.
        let process = try await ChildProcess.launch(
            "/bin/sh", ["-c", #"err=$1; shift; exec "$@" 2>"$err""#, "sh", diagnostics, executable] + arguments,
            log: output)
        guard
            let exit = try await withTaskCancellationHandler(
                operation: { try await process.ended(within: limit) }, onCancel: { process.send(SIGKILL) })
        else {
            process.send(SIGKILL)
            _ = await process.ended()
            throw SystemTestError("\(executable) \(arguments.joined(separator: " ")) still ran after \(limit)")
        }
        return Command(exit: exit, output: text(output), diagnostics: text(diagnostics))
    }

    /// What it printed, for commands that have to succeed.
    func succeeded() throws -> String {
        guard exit == .code(0) else { throw SystemTestError("ended with \(exit): \(diagnostics)\(output)") }
        return output
    }

    private static func text(_ file: String) -> String {
        (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    }
}
