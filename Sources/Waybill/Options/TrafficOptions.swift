import ArgumentParser
import LoadBalancerCosts

/// What is done to traffic before it is priced.
struct TrafficOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many requests matched the route at each position, JSON or CSV: for the rules processed.",
            valueName: "file"))
    var routeCounts: String?

    @Option(
        help: ArgumentHelp(
            "An NLB's health checks per hour and target; such connections are taken off.", valueName: "count"))
    var healthChecksPerHour: Int64?

    @Option(help: ArgumentHelp("The targets that are checked.", valueName: "count"))
    var targets: Int64?

    @Option(
        help: ArgumentHelp(
            "A month of so many hours, as 720 or 730: metered hours get idle ones beside them or lose them, those of a "
                + "file are repeated.", valueName: "count"))
    var hours: Int64?

    func validate() throws {
        guard (healthChecksPerHour == nil) == (targets == nil) else {
            throw ValidationError("--health-checks-per-hour and --targets belong together")
        }
    }

    func adjustments() throws -> TrafficAdjustments {
        var adjustments = TrafficAdjustments()
        adjustments.routes = try routeCounts.map { try RouteCounts(readFile($0), name: $0) }
        if let healthChecksPerHour, let targets {
            adjustments.healthChecks = .init(perHourAndTarget: healthChecksPerHour, targets: targets)
        }
        adjustments.hours = hours
        return adjustments
    }
}
