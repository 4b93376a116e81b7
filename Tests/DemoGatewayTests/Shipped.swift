import DemoGateway
import Foundation
import TestSupport

extension Shipped {
    /// The Envoy to test with; nil when there is none.
    static let envoy = try? EnvoyProcess.find(workingDirectory: root)
    static let noEnvoy = "there is no Envoy: run scripts/setup, or set WAYBILL_ENVOY"
}

/// A folder that is there while the body runs.
func withFolder<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("waybill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}
