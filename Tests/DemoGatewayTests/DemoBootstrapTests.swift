import TestSupport
import Testing

@testable import DemoGateway

@Suite struct DemoBootstrapTests {
    private let bootstrap = DemoBootstrap(
        nodeID: "gw-1", nodeCluster: "edge", adminPort: 1, tenantPorts: ["acme": 2, "globex": 3, "initech": 4],
        upstreamPort: 5, ingestPort: 6
    )

    @Test func `each placeholder of a line is filled in`() throws {
        let filled = try bootstrap.filled(template: "{id: ${NODE_ID}, cluster: ${NODE_CLUSTER}, port: ${ACME_PORT}}")
        #expect(filled == "{id: gw-1, cluster: edge, port: 2}\n")
    }

    @Test func `a placeholder without a value is named with its line`() throws {
        let error = #expect(throws: DemoGatewayError.self) {
            try bootstrap.filled(template: "# ${ANYTHING}\nport: ${HOOLI_PORT}\n")
        }
        #expect(error?.code == .badTemplate)
        #expect(error?.message.hasPrefix("line 2 of the bootstrap template has ${HOOLI_PORT}") == true)
    }

    @Test func `the shipped template takes every value and keeps no placeholder`() throws {
        let filled = try bootstrap.filled(template: Shipped.text("config/envoy/demo.yaml.template"))
        let lines = filled.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(!lines.contains { $0.contains("${") })
        for port in 1...6 { #expect(lines.contains { $0.contains("port_value: \(port)}") }) }
        for tenant in DemoBootstrap.tenants {
            #expect(lines.contains { $0.hasSuffix("stat_prefix: tenant_\(tenant)") })
        }
    }
}
