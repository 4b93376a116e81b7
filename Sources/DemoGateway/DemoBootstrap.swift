/// Fills in `config/envoy/demo.yaml.template`: three tenants, a listener and a connection manager each, whose counters
/// go to one metrics service.
package struct DemoBootstrap: Sendable {
    /// The tenants of the template. Their stats stand under `http.tenant_<name>.`.
    package static let tenants = ["acme", "globex", "initech"]

    /// `node.id`: the instance.
    package var nodeID: String
    /// `node.cluster`: the gateway.
    package var nodeCluster: String
    package var adminPort: Int
    /// The listeners' ports, by tenant.
    package var tenantPorts: [String: Int]
    package var upstreamPort: Int
    /// Where `waybill serve` listens for the metrics service, on 127.0.0.1.
    package var ingestPort: Int

    package init(
        nodeID: String = "gw-demo-1", nodeCluster: String = "demo", adminPort: Int, tenantPorts: [String: Int],
        upstreamPort: Int, ingestPort: Int
    ) {
        self.nodeID = nodeID
        self.nodeCluster = nodeCluster
        self.adminPort = adminPort
        self.tenantPorts = tenantPorts
        self.upstreamPort = upstreamPort
        self.ingestPort = ingestPort
    }

    /// A bootstrap on free ports of its own.
    package static func onFreePorts(
        nodeID: String = "gw-demo-1", nodeCluster: String = "demo", upstreamPort: Int, ingestPort: Int
    ) async throws -> DemoBootstrap {
        let ports = try await FreePorts.find(tenants.count + 1)
        return DemoBootstrap(
            nodeID: nodeID, nodeCluster: nodeCluster, adminPort: ports[0],
            tenantPorts: Dictionary(uniqueKeysWithValues: zip(tenants, ports.dropFirst())),
            upstreamPort: upstreamPort, ingestPort: ingestPort
        )
    }

    /// The template with each `${NAME}` replaced.
    ///
    /// - Throws: `DemoGatewayError` with the line of a placeholder that has no value.
    package func filled(template: String) throws -> String {
        let values = values
        var filled = ""
        for (index, line) in template.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var rest = line
            while !line.hasPrefix("#"), let open = rest.firstRange(of: "${"),
                let close = rest[open.upperBound...].firstIndex(of: "}")
            {
                let name = String(rest[open.upperBound..<close])
                guard let value = values[name] else {
                    throw DemoGatewayError(
                        .badTemplate,
                        "line \(index + 1) of the bootstrap template has ${\(name)}, which is none of "
                            + values.keys.sorted().joined(separator: ", ")
                    )
                }
                filled += rest[..<open.lowerBound] + value
                rest = rest[rest.index(after: close)...]
            }
            filled += rest + "\n"
        }
        return filled
    }

    /// How to launch an Envoy with this bootstrap.
    package func settings(
        executable: String, template: String, directory: String
    ) throws -> EnvoyProcess.Settings {
        EnvoyProcess.Settings(
            executable: executable, bootstrap: try filled(template: template), directory: directory,
            adminPort: adminPort, listenerPorts: tenantPorts.values.sorted()
        )
    }

    private var values: [String: String] {
        var values = [
            "NODE_ID": nodeID, "NODE_CLUSTER": nodeCluster, "ADMIN_PORT": String(adminPort),
            "UPSTREAM_PORT": String(upstreamPort), "INGEST_PORT": String(ingestPort),
        ]
        for (tenant, port) in tenantPorts { values[tenant.uppercased() + "_PORT"] = String(port) }
        return values
    }
}
