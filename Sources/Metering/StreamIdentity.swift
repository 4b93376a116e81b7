/// Who sends on a stream, as its first message says.
package struct StreamIdentity: Hashable, Sendable {
    /// Where Envoy sends no name: `node.id` or `node.cluster` is empty.
    package static let unknown = "unknown"

    package var gateway: String
    package var instance: String
    package var bootID: String?

    package init(gateway: String, instance: String, bootID: String?) {
        self.gateway = gateway.isEmpty ? Self.unknown : gateway
        self.instance = instance.isEmpty ? Self.unknown : instance
        self.bootID = bootID.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// One stream of readings at one worker, from its first message to its end. Random, so that no two workers share one.
package struct StreamID: Hashable, Comparable, Sendable {
    package let rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    package static func < (left: StreamID, right: StreamID) -> Bool { left.rawValue < right.rawValue }
}

/// Whether a source sends totals or what was added since its last export. The metrics service's wire does not say.
package enum Temporality: String, Hashable, Sendable, CaseIterable {
    case cumulative
    case delta
}
