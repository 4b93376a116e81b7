import Hummingbird
import Metering
import Pricing
import UsageStore

/// `GET /v1/usage/monthly?tenant=acme&period=2026-11[&zone=Europe/Berlin][&group_by=service,day]`
struct UsageRoutes<Context: RequestContext> {
    private static var parameters: [String] { ["tenant", "period", "zone", "group_by"] }

    let store: UsageStore

    func add(to group: RouterGroup<Context>) {
        group.get("usage/monthly") { request, _ in try await monthly(request) }
    }

    private func monthly(_ request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        for (name, _) in query where !Self.parameters.contains(String(name)) {
            throw Problem.invalid(
                String(name), rule: "unknown", "is not one of \(Self.parameters.joined(separator: ", "))")
        }
        guard let tenant = query["tenant"].map({ String($0) }), !tenant.isEmpty else {
            throw Problem.invalid("tenant", rule: "required", "name the tenant")
        }
        guard !tenant.utf8.contains(0) else {
            throw Problem.invalid("tenant", rule: "format", "holds a NUL, which no name does")
        }
        guard let month = query["period"].map({ String($0) }) else {
            throw Problem.invalid("period", rule: "required", "name the month, as 2026-11")
        }
        let zone = query["zone"].map { String($0) } ?? "UTC"
        let period: BillingPeriod
        do {
            period = try BillingPeriod(month: month, zone: zone)
        } catch {
            throw Problem.invalid(error.code == .unknownZone ? "zone" : "period", rule: "format", error.message)
        }
        let usage = try await store.monthlyUsage(
            tenant: tenant, month: month, zone: zone,
            from: Timestamp(microseconds: period.startMicroseconds),
            to: Timestamp(microseconds: period.endMicroseconds),
            groupBy: try grouping(query["group_by"].map { String($0) }))
        return Response(
            status: .ok, headers: [.contentType: "application/json; charset=utf-8"], body: try .json(usage))
    }

    private func grouping(_ text: String?) throws -> Set<UsageGrouping> {
        var grouping: Set<UsageGrouping> = []
        for part in (text ?? "").split(separator: ",") {
            // Hours are the windows of a free range.
            guard let part = UsageGrouping(rawValue: String(part)), part != .hour else {
                throw Problem.invalid("group_by", rule: "enum", "\(part) is not one of service, gateway, day")
            }
            grouping.insert(part)
        }
        return grouping
    }
}
