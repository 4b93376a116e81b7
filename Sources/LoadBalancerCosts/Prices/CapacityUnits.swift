/// The size of a certificate's key; it decides how many new connections per second one LCU contains.
package enum CertificateKey: String, Hashable, Sendable, CaseIterable, Codable {
    case rsa2048 = "rsa-2048"
    case rsa4096 = "rsa-4096"
    case rsa8192 = "rsa-8192"
    case rsa16384 = "rsa-16384"
    case ecdsa256 = "ecdsa-256"
    case ecdsa384 = "ecdsa-384"
    case ecdsa521 = "ecdsa-521"
}

/// What a Network Load Balancer listens to: passed through (`tcp`, `udp`) or terminated (`tls`).
package enum ListenerProtocol: String, Hashable, Sendable, CaseIterable, Codable {
    case tcp, tls, udp
}

/// What one capacity unit contains, as data: config/prices/aws-capacity-units.yaml.
package struct CapacityUnits: Hashable, Sendable {
    /// One LCU of an Application Load Balancer.
    package struct Application: Hashable, Sendable {
        package let newConnectionsPerSecond: [CertificateKey: Fraction]
        package let activeConnections: Fraction
        package let activeConnectionsMutualTLS: Fraction
        package let gigabytesPerHour: Fraction
        package let lambdaGigabytesPerHour: Fraction
        package let ruleEvaluationsPerSecond: Fraction
        /// Rules per request that are evaluated without charge.
        package let freeRules: Int64
        package let minimumReservation: Int64
    }

    /// One NLCU for one protocol.
    package struct Network: Hashable, Sendable {
        package let newFlowsPerSecond: Fraction
        package let activeFlows: Fraction
        package let gigabytesPerHour: Fraction
    }

    package var application: Application
    package var network: [ListenerProtocol: Network]
    /// One GLCU of a Gateway Load Balancer; nil where no file has one.
    package var gateway: Network?
    /// Where each was read, by load balancer.
    package var origins: [String: PriceOrigin] = [:]

    /// Nothing is known yet; files and what is stored fill it.
    init() {
        application = Application(
            newConnectionsPerSecond: [:], activeConnections: .one, activeConnectionsMutualTLS: .one,
            gigabytesPerHour: .one, lambdaGigabytesPerHour: .one, ruleEvaluationsPerSecond: .one, freeRules: 0,
            minimumReservation: 0)
        network = [:]
    }
}

extension CapacityUnits.Application {
    /// `25 new/s, 3000 active, 1 GB/h (0.4 to Lambda), 1000 rules/s after 10` for what was assumed.
    func text(_ assumptions: Assumptions) -> String {
        let new = newConnectionsPerSecond[assumptions.certificateKey].map { "\($0) new/s, " } ?? ""
        let active = assumptions.mutualTLS ? activeConnectionsMutualTLS : activeConnections
        return "\(new)\(active) active, \(gigabytesPerHour) GB/h (\(lambdaGigabytesPerHour) to Lambda), "
            + "\(ruleEvaluationsPerSecond) rules/s after \(freeRules)"
    }
}

extension CapacityUnits.Network {
    /// `800 new/s, 100000 active, 1 GB/h`.
    var text: String { "\(newFlowsPerSecond) new/s, \(activeFlows) active, \(gigabytesPerHour) GB/h" }
}

extension CapacityUnits {
    /// What the units of these load balancers contain and where that was read, for a person: name, content, source.
    func lines(_ keys: [String], _ assumptions: Assumptions) -> [[String]] {
        keys.compactMap { key in
            guard let origin = origins[key] else { return nil }
            let content: String? =
                switch key {
                case "alb": application.text(assumptions)
                case "nlb": network[assumptions.nlbListener]?.text
                default: gateway?.text
                }
            return content.map { ["\(key) unit", $0, origin.text] }
        }
    }
}
