import ArgumentParser
import Foundation

/// The command line: one file a command, under Commands/. This file holds the tree and the exit codes.
@main
struct Waybill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waybill",
        abstract: "Usage metering and billing for Envoy gateways.",
        subcommands: [
            DemoCommand.self, ServeCommand.self, MigrateCommand.self, AggregateCommand.self, ReplayCommand.self,
            UsageCommand.self, CheckCommand.self, EvidenceCommand.self,
            TenantCommand.self, ContractCommand.self, InvoiceCommand.self, CreditNoteCommand.self, VerifyCommand.self,
            KeyCommand.self, AuditCommand.self,
            QuoteCommand.self, PriceCommand.self, CompareCommand.self, ForecastCommand.self,
            SimulateCommand.self, ReportCommand.self,
            LoadBalancerCostCommand.self, CloudWatchCommand.self, PricesCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as CommandError {
            Console.error(error.message)
            Foundation.exit(error.code.exitStatus)
        } catch let status as ExitCode {
            Foundation.exit(status.rawValue)
        } catch {
            leave(after: error)
        }
    }

    /// Prints what the parser or a library says. A wrong use of the command line ends with 2, not with the parser's 64.
    private static func leave(after error: any Error) -> Never {
        let status = exitCode(for: error)
        if status.isSuccess {
            print(fullMessage(for: error))
            Foundation.exit(0)
        }
        Console.write(fullMessage(for: error))
        Foundation.exit(status == .validationFailure ? 2 : 1)
    }
}
