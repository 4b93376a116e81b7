import ArgumentParser
import Metering
import Pricing

/// `waybill price`: what can be done with a price book.
struct PriceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "price", abstract: "Work with price books.",
        subcommands: [Lint.self, Import.self, List.self, Show.self, Diff.self])

    /// `waybill price lint`: names defects, and every cliff with its size. Exit 2 on a defect; cliffs are legal.
    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint",
            abstract: "Name overlaps, gaps, unreachable tiers and cliffs of a price book.",
            discussion: """
                Exits with 2 when the price book can not be used. Cliffs are legal, and exit with 0.
                Example: waybill price lint config/price-books/standard.yaml
                """)

        @Argument(help: ArgumentHelp("The price book.", valueName: "file"))
        var file: String

        func run() throws {
            let metered = Dimension.allCases.filter { $0 != .activeConnections }.map(\.rawValue)
            let findings = PriceBook.lint(yaml: try PriceBook.text(of: file), file: file, metered: Set(metered))
            for finding in findings { print(finding) }
            let defects = findings.count(where: \.isDefect)
            guard defects == 0 else {
                throw CommandError(.usage, "\(file): \(defects) of \(findings.count) findings must be mended first")
            }
            if findings.isEmpty { print("\(file): no overlap, gap, unreachable tier or cliff") }
        }
    }
}
