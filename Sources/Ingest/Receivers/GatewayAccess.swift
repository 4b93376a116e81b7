/// Which gateways a sender may speak for. Pure.
///
/// Without client certificates: all. With them, each name of a certificate (URI or DNS SAN, else its common name) may
/// be bound to gateways; `*` stands for all of them.
package struct GatewayAccess: Hashable, Sendable {
    /// By name of the certificate. Nil where no certificate limits anything.
    package var gateways: [String: Set<String>]?

    package init(gateways: [String: Set<String>]? = nil) {
        self.gateways = gateways
    }

    package static let all = GatewayAccess()

    /// - Parameter names: of the client's certificate.
    package func allows(_ gateway: String, names: [String]) -> Bool {
        guard let gateways else { return true }
        return names.contains { name in
            guard let allowed = gateways[name] else { return false }
            return allowed.contains("*") || allowed.contains(gateway)
        }
    }
}
