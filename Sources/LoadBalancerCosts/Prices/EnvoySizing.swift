/// How much of its nodes an Envoy gateway takes. Shipped in config/prices; replace it by what was measured.
package struct EnvoySizing: Hashable, Sendable, Encodable {
    /// vCPU per 1,000 requests per second.
    package var vcpuPer1000Requests: Fraction
    /// The share of a vCPU that is meant to be used, above 0 and at most 1.
    package var targetUtilisation: Fraction
    /// The least that runs, for availability.
    package var minimumVCPU: Fraction
    package var source: String

    package init(
        vcpuPer1000Requests: Fraction, targetUtilisation: Fraction, minimumVCPU: Fraction, source: String
    ) throws {
        guard targetUtilisation > .zero, targetUtilisation <= .one else {
            throw LoadBalancerCostError(
                .invalidInput,
                "target_utilisation \(targetUtilisation) of Envoy's nodes: give a share above 0 and at most 1")
        }
        guard !vcpuPer1000Requests.isNegative, !minimumVCPU.isNegative else {
            throw LoadBalancerCostError(.invalidInput, "Envoy's vCPU must not be negative")
        }
        self.vcpuPer1000Requests = vcpuPer1000Requests
        self.targetUtilisation = targetUtilisation
        self.minimumVCPU = minimumVCPU
        self.source = source
    }

    private enum CodingKeys: String, CodingKey {
        case vcpuPer1000Requests = "vcpu_per_1000_requests_per_second"
        case targetUtilisation = "target_utilisation"
        case minimumVCPU = "minimum_vcpu"
        case source
    }
}
