import DemoGateway
import Testing

@Suite struct SavingsGuideTests {
    @Test func `What docs/savings.md says the commands print is what they print`() async throws {
        let binaries = String(Checkout.waybill.dropLast("/waybill".count))
        let check = try await Command.run(
            Checkout.root + "/scripts/check-guide", ["--bin", binaries, Checkout.root + "/docs/savings.md"])
        #expect(check.exit == .code(0), "\(check.diagnostics)")
        #expect(check.output.contains(" 0 print something else"))
    }
}
