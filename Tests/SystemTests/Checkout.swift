import DemoGateway
import Foundation

/// What these tests run with: the built binary, the files of the checkout, an Envoy.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// `waybill`, which is built beside the tests.
    static let waybill = Bundle.main.bundleURL.appendingPathComponent("waybill").path

    /// The Envoy to test with; nil when there is none.
    static let envoy = try? EnvoyProcess.find(workingDirectory: root)
    static let noEnvoy = "there is no Envoy: run scripts/setup, or set WAYBILL_ENVOY"

    static func bootstrapTemplate() throws -> String {
        try String(contentsOfFile: root + "/config/envoy/demo.yaml.template", encoding: .utf8)
    }
}

/// A folder with a short path that the account of a PostgreSQL server can enter. It is there while the body runs.
func withFolder<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
    let folder = "/tmp/waybill-system-\(UUID().uuidString.prefix(8).lowercased())"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
