import ArgumentParser
import Foundation
import Logging
import Metering
import Pricing
import Reports

extension SimulateCommand {
    /// `--tenant T --spike 10x --for 6h`: what a spike of traffic would add to the month's bill.
    func simulateSpike(tenant: String) async throws {
        guard let factor = spike.flatMap(Self.factor) else {
            throw CommandError(.usage, "--spike is \(spike ?? "missing"): write how many times the usual, as 10x")
        }
        guard let hours = duration.flatMap(Self.hours) else {
            throw CommandError(.usage, "--for is \(duration ?? "missing"): write whole hours or days, as 6h or 2d")
        }
        guard format != .csv else {
            throw CommandError(.usage, "--format csv is for load balancers; a spike is a table or json")
        }
        let at = try TenantPeriod.instant(at, "--at")
        let question = try TenantPeriod.Question(
            tenant: tenant, month: month, zone: zone, asOf: asOf, priceBook: options.priceBook)
        let known = try await database.withStore(connections: 1, logger: Logger.command) { store in
            try await question.answer(store)
        }
        do {
            let simulation = try SpikeSimulation(
                known.history, period: known.period, version: known.version, rated: known.rated,
                factor: factor, hours: hours, from: at?.microseconds)
            known.noteExample(tenant)
            if format == .json {
                print(try JSONEncoder.waybill.text(ForTenant(tenant, simulation)))
            } else {
                print(try SpikeText(simulation, tenant: tenant).text())
            }
        } catch let error as PricingError {
            throw CommandError(error.code == .tooLittleHistory ? .failure : .usage, error.message)
        }
    }

    /// `10x`, `10` or `2.5x`.
    private static func factor(_ text: String) -> ExactAmount? {
        ExactAmount(text.hasSuffix("x") ? String(text.dropLast()) : text)
    }

    /// `6h` or `2d`, in hours.
    private static func hours(_ text: String) -> Int? {
        guard let count = Int(text.dropLast()), (1...1000).contains(count) else { return nil }
        switch text.last {
        case "h": return count
        case "d": return count * 24
        default: return nil
        }
    }
}
