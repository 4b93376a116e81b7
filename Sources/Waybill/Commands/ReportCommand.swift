import ArgumentParser

/// `waybill report`: what people read.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write invoices, usage and savings for people, and FOCUS for their tools.",
        subcommands: [
            ReportInvoiceCommand.self, ReportInvoicesCommand.self, ReportUsageCommand.self, SavingsReportCommand.self,
        ])
}
