import ArgumentParser

/// `waybill report`: what people read.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write reports for people, as text, HTML, PDF, JSON or CSV.",
        subcommands: [SavingsReportCommand.self])
}
