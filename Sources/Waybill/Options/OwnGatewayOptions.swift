import ArgumentParser
import LoadBalancerCosts

/// What a gateway of one's own costs beside its load balancer.
struct OwnGatewayOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The gateway's fee for this traffic, in the region's currency.", valueName: "amount"))
    var fee: String?

    @Option(
        name: .customLong("vcpu-per-1000"),
        help: ArgumentHelp("Envoy's vCPU per 1,000 requests a second.", valueName: "vcpu"))
    var vcpuPer1000: String?

    @Option(help: ArgumentHelp("The share of a vCPU that is meant to be used, above 0 to 1.", valueName: "share"))
    var vcpuUse: String?

    @Option(help: ArgumentHelp("The vCPU that run whatever the traffic.", valueName: "vcpu"))
    var vcpuMinimum: String?

    @Option(help: ArgumentHelp("The price of a vCPU-hour of Envoy's nodes.", valueName: "amount"))
    var vcpuHourPrice: String?

    @Option(help: "hourly: nodes follow the traffic; peak: they stand for the busiest hour.")
    var nodes: OwnGateway.Nodes = .hourly

    @Option(
        help: ArgumentHelp("The share of the cluster's own fee that the gateway bears, 0 to 1.", valueName: "share"))
    var clusterShare: String?

    @Option(help: ArgumentHelp("What people do to operate the gateway costs in the period.", valueName: "amount"))
    var operations: String?

    /// The gateway; without a fee where `--fee` gives none.
    func gateway(_ catalogue: PriceCatalogue) throws -> OwnGateway {
        var gateway = OwnGateway(sizing: try sizing(catalogue.envoy), nodes: nodes)
        if let vcpuHourPrice { gateway.vcpuHourPrice = try number(vcpuHourPrice, "--vcpu-hour-price") }
        if let operations { gateway.operations = try number(operations, "--operations") }
        if let clusterShare {
            gateway.clusterShare = try number(clusterShare, "--cluster-share")
            guard gateway.clusterShare <= .one else {
                throw CommandError(.usage, "--cluster-share is '\(clusterShare)': give a share from 0 to 1")
            }
        }
        if let fee {
            gateway.fee = try number(fee, "--fee")
            gateway.feeSource = "--fee"
        }
        return gateway
    }

    private func sizing(_ shipped: EnvoySizing) throws -> EnvoySizing {
        let given = [
            vcpuPer1000.map { _ in "--vcpu-per-1000" }, vcpuUse.map { _ in "--vcpu-use" },
            vcpuMinimum.map { _ in "--vcpu-minimum" },
        ].compactMap(\.self)
        guard !given.isEmpty else { return shipped }
        let rest = given.count < 3 ? "; else \(shipped.source)" : ""
        return try EnvoySizing(
            vcpuPer1000Requests: vcpuPer1000.map { try number($0, "--vcpu-per-1000") } ?? shipped.vcpuPer1000Requests,
            targetUtilisation: vcpuUse.map { try number($0, "--vcpu-use") } ?? shipped.targetUtilisation,
            minimumVCPU: vcpuMinimum.map { try number($0, "--vcpu-minimum") } ?? shipped.minimumVCPU,
            source: given.joined(separator: ", ") + rest)
    }
}

extension OwnGateway.Nodes: ExpressibleByArgument {}

/// A finite number that is not negative, as an option gives it.
func number(_ text: String, _ option: String) throws -> Fraction {
    guard let value = Fraction(decimal: text), !value.isNegative else {
        throw CommandError(.usage, "\(option) is '\(text)': give a finite number that is not negative")
    }
    return value
}
