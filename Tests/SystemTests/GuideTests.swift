import DemoGateway
import Testing

/// Guides that prove themselves, by pure commands and by a demo of the shipped capture.
@Suite struct GuideTests {
    @Test(arguments: ["docs/savings.md", "docs/pricing.md"])
    func `What a guide says the commands print is what they print`(guide: String) async throws {
        let binaries = String(Checkout.waybill.dropLast("/waybill".count))
        let check = try await Command.run(
            Checkout.root + "/scripts/check-guide", ["--bin", binaries, Checkout.root + "/" + guide])
        #expect(check.exit == .code(0), "\(check.diagnostics)")
        #expect(check.output.contains(" 0 print something else"))
    }
}
