import Metering
import Pricing

/// A month of usage as CSV: a row a service and day. Σ requests = the month's.
package struct UsageReportCSV {
    private let paper: UsagePaper

    package init(_ paper: UsagePaper) {
        self.paper = paper
    }

    package var text: String {
        var table = CSVTable(["tenant", "month", "zone", "day", "service", "requests"])
        for service in paper.services {
            for (day, requests) in zip(paper.days, service.days) where requests > 0 {
                table.add([
                    .text(paper.usage.tenant), .exact(paper.usage.period.month), .exact(paper.usage.period.zone),
                    .exact(day.date.description), .text(service.name), .exact(String(requests)),
                ])
            }
        }
        return table.text
    }
}
