import Foundation

extension EnvoyProcess {
    /// The path of an Envoy: `WAYBILL_ENVOY`, the `PATH`, or the virtual environment that `scripts/setup` makes in the
    /// build folder, in this order.
    ///
    /// - Throws: `DemoGatewayError.Code.envoyNotFound` with the places looked at and the remedy.
    package static func find(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        workingDirectory: String = FileManager.default.currentDirectoryPath
    ) throws -> String {
        var candidates: [String] = []
        if let named = environment["WAYBILL_ENVOY"], !named.isEmpty { candidates.append(named) }
        for folder in (environment["PATH"] ?? "").split(separator: ":") { candidates.append(folder + "/envoy") }
        candidates.append(workingDirectory + "/.build/envoy-venv/bin/envoy")
        if let found = candidates.first(where: FileManager.default.isExecutableFile) { return found }
        let named = environment["WAYBILL_ENVOY"].map { "WAYBILL_ENVOY (\($0))" } ?? "WAYBILL_ENVOY (not set)"
        throw DemoGatewayError(
            .envoyNotFound,
            "no Envoy in \(named), the PATH or \(workingDirectory)/.build/envoy-venv; run scripts/setup, "
                + "or set WAYBILL_ENVOY to the path of an Envoy 1.40"
        )
    }
}
