import Foundation

/// What `waybill usage --format json` prints and `GET /v1/usage/monthly` answers, as far as the tests look at it.
struct Usage: Decodable, Equatable {
    var tenant: String
    var requests: Int
    var lower: Int
    var upper: Int?

    /// Reads the command's output or the answer's body.
    init(json: String) throws {
        do {
            self = try JSONDecoder().decode(Usage.self, from: Data(json.utf8))
        } catch {
            throw SystemTestError("this is not a usage report (\(error)): \(json)")
        }
    }

    /// A tenant's usage by `waybill usage`, in all the months given.
    static func command(_ tenant: String, _ months: Set<String>, _ database: [String]) async throws -> (
        requests: Int, lower: Int
    ) {
        var (requests, lower) = (0, 0)
        for month in months {
            let usage = try Usage(
                json: try await Command.waybill(
                    ["usage"] + database + ["--tenant", tenant, "--month", month, "--format", "json"]
                ).succeeded())
            requests += usage.requests
            lower += usage.lower
        }
        return (requests, lower)
    }
}

/// The calendar months in UTC that a test touches: two when it runs over a month's end.
struct Months {
    /// Those since the tests began.
    static let started = Months()

    private let first = Months.current()

    var soFar: Set<String> { [first, Months.current()] }

    /// As 2026-11.
    static func current() -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month], from: Date())
        return "\(parts.year ?? 0)-" + (parts.month ?? 0 < 10 ? "0" : "") + "\(parts.month ?? 0)"
    }
}
