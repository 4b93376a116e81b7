import Foundation

/// What the repository ships, where it lies.
package enum Shipped {
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    package static func path(_ name: String) -> String { root + "/" + name }

    package static func text(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    /// The meters for a plain Envoy, or `enroute`.
    package static func meters(_ name: String = "envoy") throws -> String { try text("config/meters/\(name).yaml") }
}
