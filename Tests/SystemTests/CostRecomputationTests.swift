import DemoGateway
import Testing

@Suite struct CostRecomputationTests {
    @Test func `waybill prices random traffic files as exact fractions in Python do`() async throws {
        let binaries = String(Checkout.waybill.dropLast("/waybill".count))
        let check = try await Command.run(
            Checkout.root + "/scripts/check-costs", ["--bin", binaries, "--count", "60"])
        #expect(check.exit == .code(0), "\(check.diagnostics)")
        #expect(check.output.contains("60 traffic files, 0 answers differ"))
    }
}
