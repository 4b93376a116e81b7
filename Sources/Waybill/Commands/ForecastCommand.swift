import ArgumentParser
import Foundation
import Logging
import Pricing
import Reports

/// `waybill forecast`: what a tenant's month will have used and cost at its end.
struct ForecastCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "Show what a tenant's month will have used and cost at its end.",
        discussion: """
            The last two to four weeks say how much by the hour of the week; the same forecast, made on earlier days,
            says how far it misses: in one case of ten it ends below P10, in one of ten above P90. How it did in the
            tenant's own past months stands below it.
            Example: waybill forecast --tenant acme --budget 500
                     waybill forecast --tenant acme --month 2026-11 --as-of 2026-11-15T00:00:00Z --format json
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "The tenant.")
    var tenant: String

    @Option(help: ArgumentHelp("The month, as 2026-11; the current one unless given.", valueName: "month"))
    var month: String?

    @Option(
        help: ArgumentHelp("A calendar month in this IANA zone; the contract's period unless given.", valueName: "zone")
    )
    var zone: String?

    @Option(help: ArgumentHelp("Say on which day this much is passed, as 500 or 499.99.", valueName: "amount"))
    var budget: String?

    @Option(
        help: ArgumentHelp(
            "The price book, a file or a stored id; the contract's unless given.", valueName: "book"))
    var priceBook: String?

    @Option(help: ArgumentHelp("Know nothing after this instant; now unless given.", valueName: "instant"))
    var asOf: String?

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    func run() async throws {
        let question = try TenantPeriod.Question(
            tenant: tenant, month: month, zone: zone, asOf: asOf, priceBook: priceBook)
        let known = try await database.withStore(connections: 1, logger: Logger.command) { store in
            try await question.answer(store)
        }
        let forecast: Forecast
        do {
            forecast = try Forecast(
                known.history, period: known.period, version: known.version, rated: known.rated,
                budget: budget.map { try Money(decimal: $0, currency: known.version.currency) })
        } catch let error as PricingError {
            throw CommandError(.usage, error.message)
        }
        known.noteExample(tenant)
        switch format {
        case .json: print(try JSONEncoder.waybill.text(ForTenant(tenant, forecast)))
        case .table: print(ForecastText(forecast, tenant: tenant).text)
        }
    }
}
