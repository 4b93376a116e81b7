import ArgumentParser
import Foundation

/// Who does what is kept with it: `--by`, else the account that runs the command.
struct OperatorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Who does it; the account that runs the command unless given.", valueName: "name"))
    var by: String?

    var name: String { by.flatMap { $0.isEmpty ? nil : $0 } ?? NSUserName() }
}

/// Asks before something is changed.
enum Confirmation {
    /// True after `y` or `yes` on a terminal. Without a terminal nobody can be asked: `flag` is to be given.
    static func ask(_ question: String, flag: String) throws -> Bool {
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandError(.usage, "nobody is there to confirm it: give \(flag), or --dry-run to look only")
        }
        FileHandle.standardError.write(Data("\(question) [y/N] ".utf8))
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
