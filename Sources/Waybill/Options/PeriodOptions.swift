import ArgumentParser
import Metering
import Pricing

/// `--month 2026-11 [--zone UTC]`: a calendar month in an IANA zone.
struct PeriodOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The month, as 2026-11.", valueName: "month"))
    var month: String

    @Option(help: ArgumentHelp("The IANA zone in which the month begins and ends.", valueName: "zone"))
    var zone = "UTC"

    func period() throws -> BillingPeriod {
        do {
            return try BillingPeriod(month: month, zone: zone)
        } catch {
            throw CommandError(.usage, error.message)
        }
    }
}

extension BillingPeriod {
    var startTime: Timestamp { Timestamp(microseconds: startMicroseconds) }
    var endTime: Timestamp { Timestamp(microseconds: endMicroseconds) }
}
