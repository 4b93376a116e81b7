/// Whose metrics a CloudWatch file holds.
package enum LoadBalancerKind: String, Hashable, Sendable, CaseIterable, Codable {
    case alb, nlb, clb

    package var namespace: String {
        switch self {
        case .alb: "AWS/ApplicationELB"
        case .nlb: "AWS/NetworkELB"
        case .clb: "AWS/ELB"
        }
    }

    /// The metrics that are read, all with the statistic Sum.
    var metrics: [String] {
        switch self {
        case .alb:
            [
                "ConsumedLCUs", "PeakLCUs", "ReservedLCUs", "NewConnectionCount", "ActiveConnectionCount",
                "ProcessedBytes",
                "StandardProcessedBytes", "LambdaTargetProcessedBytes", "RuleEvaluations", "RequestCount",
            ]
        case .nlb:
            ["ConsumedLCUs", "NewFlowCount", "ActiveFlowCount", "ProcessedBytes"].flatMap { name in
                [name, name + "_TCP", name + "_TLS", name + "_UDP"]
            }
        case .clb:
            [
                "RequestCount", "EstimatedProcessedBytes", "EstimatedALBConsumedLCUs",
                "EstimatedALBActiveConnectionCount",
                "EstimatedALBNewConnectionCount",
            ]
        }
    }

    /// Metrics that only this kind has.
    fileprivate var own: Set<String> {
        Set(metrics).subtracting(Self.allCases.filter { $0 != self }.flatMap(\.metrics))
    }
}

/// The hourly sums of CloudWatch metrics, from `get-metric-data` and `get-metric-statistics` output.
///
/// Points may stand in any order and at any period up to an hour; a missing point is 0 (metrics are published only
/// while traffic flows). Refused: another statistic than Sum, results that are not complete, metrics of two kinds.
package struct CloudWatchMetrics: Sendable {
    package private(set) var kind: LoadBalancerKind = .alb
    package private(set) var notes: [String] = []
    /// The period asked for, which the points may leave idle at either end.
    private var period: Range<Int64>?
    /// By metric and hour.
    private(set) var sums: [String: [Int64: Fraction]] = [:]

    /// `kind` nil: decided by the metrics' names.
    package init(_ files: [(name: String, bytes: [UInt8])], kind: LoadBalancerKind? = nil) throws {
        var points: [String: [Int64: Fraction]] = [:]
        for file in files {
            let field = try JSONField(parsing: file.bytes, file: file.name)
            for (metric, series) in try Self.series(field) {
                for (instant, value) in series {
                    guard points[metric, default: [:]].updateValue(value, forKey: instant) == nil else {
                        throw LoadBalancerCostError(
                            .invalidInput,
                            "\(file.name): \(metric) has two points at \(Instant.text(instant)): give the metrics "
                                + "of one load balancer, without the AvailabilityZone dimension, each once")
                    }
                }
            }
        }
        try decide(kind, Set(points.keys))
        let instants = Set(points.values.flatMap(\.keys)).sorted()
        if instants.count > 1, zip(instants, instants.dropFirst()).allSatisfy({ ($1 - $0) % (24 * Instant.hour) == 0 })
        {
            notes.append(
                "the points stand whole days apart: fetch them with a period of 3600 s unless there is traffic in one hour a "
                    + "day alone; a day's sum in one hour binds wrongly")
        }
        for (metric, series) in points {
            var hours: [Int64: Fraction] = [:]
            for (instant, value) in series {
                let hour = Instant.hourStart(instant)
                hours[hour] = try hours[hour, default: .zero] + value
            }
            sums[metric] = hours
        }
        guard sums.values.contains(where: { !$0.isEmpty }) else {
            throw LoadBalancerCostError(
                .invalidInput, "the files hold no point: the load balancer had no traffic, or the period is another")
        }
    }

    private mutating func decide(_ given: LoadBalancerKind?, _ metrics: Set<String>) throws {
        let kinds = LoadBalancerKind.allCases.filter { !$0.own.isDisjoint(with: metrics) }
        guard kinds.count <= 1 else {
            throw LoadBalancerCostError(
                .invalidInput,
                "the files hold metrics of \(kinds.map(\.namespace).joined(separator: " and ")): "
                    + "give those of one load balancer")
        }
        if let given, let found = kinds.first, given != found {
            throw LoadBalancerCostError(
                .invalidInput, "the metrics are of \(found.namespace), not of \(given.namespace)")
        }
        kind = given ?? kinds.first ?? .alb
        if given == nil, kinds.isEmpty {
            notes.append(
                "\(metrics.sorted().joined(separator: ", ")) exists for ALB and NLB: read as ALB; --kind nlb for the other"
            )
        }
    }

    private static func series(_ file: JSONField) throws -> [(String, [(Int64, Fraction)])] {
        if let results = file.optional("MetricDataResults") {
            guard file.optional("NextToken") == nil else {
                throw file.error(
                    "has a NextToken: it is one page of several; fetch all with the AWS CLI, which pages by itself")
            }
            return try results.list().map(dataResult)
        }
        if file.optional("Datapoints") != nil { return [try statistics(file)] }
        if case .array = file.node.value {
            throw file.error("is a list of queries, not their answer: run `aws cloudwatch get-metric-data` with it")
        }
        throw file.error("is neither get-metric-data (MetricDataResults) nor get-metric-statistics (Datapoints) output")
    }

    private static func dataResult(_ result: JSONField) throws -> (String, [(Int64, Fraction)]) {
        let status = try result.optional("StatusCode")?.string() ?? "Complete"
        guard status == "Complete" else {
            throw result.error(
                "StatusCode is \(status): the sums would be too small; fetch it again until it is Complete")
        }
        let metric = try metric(result)
        let times = try result.required("Timestamps").list()
        let values = try result.required("Values").list()
        guard times.count == values.count else {
            throw result.error("has \(times.count) Timestamps and \(values.count) Values")
        }
        return (metric, try zip(times, values).map { time, value in (try instant(time), try quantity(value)) })
    }

    private static func statistics(_ file: JSONField) throws -> (String, [(Int64, Fraction)]) {
        let metric = try metric(file)
        return (
            metric,
            try file.required("Datapoints").list().map { point in
                guard let sum = point.optional("Sum") else {
                    throw point.error(
                        "has no Sum: an Average is the sum divided by its samples and understates; use --statistics Sum"
                    )
                }
                return (try instant(point.required("Timestamp")), try quantity(sum))
            }
        )
    }

    /// The label, or its last word where the label carries the load balancer's name before it.
    private static func metric(_ field: JSONField) throws -> String {
        let label = try field.required("Label").string()
        let known = Set(LoadBalancerKind.allCases.flatMap(\.metrics))
        let last = label.split(separator: " ").last.map(String.init) ?? label
        guard known.contains(last) else {
            throw field.error(
                "'\(label)' is no metric of a load balancer (\(LoadBalancerKind.allCases.map(\.namespace).joined(separator: ", "))): "
                    + "`waybill cloudwatch --command` prints the AWS CLI command that makes the file")
        }
        return last
    }

    private static func instant(_ field: JSONField) throws -> Int64 {
        guard let instant = Instant.parse(try field.string()) else { throw field.error("is not an ISO 8601 instant") }
        return instant
    }

    private static func quantity(_ field: JSONField) throws -> Fraction {
        let value = try field.number()
        guard !value.isNegative else { throw field.error("is \(value): a sum can not be negative") }
        return value
    }
}

extension CloudWatchMetrics {
    /// Says for which period the files were fetched: its idle hours cost too. Instants in ISO 8601, on the hour.
    package mutating func fill(from: String, to: String) throws {
        guard let start = Instant.parse(from), let end = Instant.parse(to), start % Instant.hour == 0,
            end % Instant.hour == 0, start < end, (end - start) / Instant.hour <= 100_000
        else {
            throw LoadBalancerCostError(
                .invalidInput,
                "'\(from)' to '\(to)' is no period: give instants on the hour such as 2026-10-01T00:00:00Z")
        }
        period = start..<end
    }

    /// Every hour from the first point (or the period's begin) to the last: a load balancer costs its idle hours too.
    var hours: [Int64] {
        var all = sums.values.flatMap(\.keys)
        if let period { all += [period.lowerBound, period.upperBound - Instant.hour] }
        guard let first = all.min(), let last = all.max() else { return [] }
        return Array(stride(from: first, through: last, by: Int.Stride(Instant.hour)))
    }

    func sum(_ metric: String, _ hour: Int64) -> Fraction { sums[metric]?[hour] ?? .zero }

    func has(_ metric: String) -> Bool { sums[metric] != nil }

    /// The AWS CLI command that makes the file, for all metrics of a kind, hour by hour.
    ///
    /// Throws `.invalidInput` for a name that CloudWatch does not have, and for instants that are none.
    package static func command(
        _ kind: LoadBalancerKind, loadBalancer: String, from: String, to: String
    ) throws -> String {
        let prefix =
            switch kind {
            case .alb: "app/"
            case .nlb: "net/"
            case .clb: ""
            }
        guard loadBalancer.hasPrefix(prefix), loadBalancer.count > prefix.count,
            loadBalancer.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "/-_.".contains($0)) })
        else {
            throw LoadBalancerCostError(
                .invalidInput,
                "'\(loadBalancer)' is no load balancer of \(kind.namespace): give "
                    + (kind == .clb
                        ? "its name" : "the end of its ARN, as \(prefix)shop/50dc6c495c0c9188"))
        }
        guard let start = Instant.parse(from), let end = Instant.parse(to), start < end else {
            throw LoadBalancerCostError(
                .invalidInput, "'\(from)' to '\(to)' is no period: give instants such as 2026-10-01T00:00:00Z")
        }
        let dimension = kind == .clb ? "LoadBalancerName" : "LoadBalancer"
        let queries = kind.metrics.enumerated().map { index, metric in
            "{\"Id\":\"m\(index)\",\"Label\":\"\(metric)\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"\(kind.namespace)\","
                + "\"MetricName\":\"\(metric)\",\"Dimensions\":[{\"Name\":\"\(dimension)\",\"Value\":\"\(loadBalancer)\"}]},"
                + "\"Period\":3600,\"Stat\":\"Sum\"}}"
        }
        return "aws cloudwatch get-metric-data --start-time \(from) --end-time \(to) --output json "
            + "--metric-data-queries '[\(queries.joined(separator: ","))]'"
    }
}
