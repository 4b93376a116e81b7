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

    package let application: Application
    package let network: [ListenerProtocol: Network]
    /// One GLCU of a Gateway Load Balancer; nil where the file has none.
    package let gateway: Network?
    package let source: String
    package let date: String
}
