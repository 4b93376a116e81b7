import Testing

@testable import DemoGateway

@Suite struct EnvoyAdminTests {
    @Test func `stats are read by their last colon, and what is no number is left out`() {
        let text = """
            http.a.downstream_rq_total: 12
            vhost.v.example:8080.vcluster.all.upstream_rq_total: 3
            http.a.downstream_rq_time: P0(nan,1) P25(nan,1.025)
            server.name: "x"
            """
        #expect(
            EnvoyAdmin.stats(inText: text) == [
                "http.a.downstream_rq_total": 12, "vhost.v.example:8080.vcluster.all.upstream_rq_total": 3,
            ]
        )
    }

    @Test func `an Envoy is looked for in the variable, the PATH and the build folder`() async throws {
        try await withFolder { folder in
            let nowhere = ["PATH": "/nonexistent"]
            let error = #expect(throws: DemoGatewayError.self) {
                try EnvoyProcess.find(environment: nowhere, workingDirectory: folder)
            }
            #expect(error?.code == .envoyNotFound)
            #expect(error?.message.contains("scripts/setup") == true)
            // A variable that names nothing is passed over.
            let named = ["WAYBILL_ENVOY": "/nonexistent/envoy", "PATH": "/nonexistent"]
            #expect(throws: DemoGatewayError.self) {
                try EnvoyProcess.find(environment: named, workingDirectory: folder)
            }
            let there = ["WAYBILL_ENVOY": "/bin/sh"]
            let found = try EnvoyProcess.find(environment: there, workingDirectory: folder)
            #expect(found == "/bin/sh")
        }
    }
}
