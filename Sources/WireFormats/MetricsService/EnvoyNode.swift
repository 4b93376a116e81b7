/// The sender of a metrics stream, from `identifier.node` (envoy.config.core.v3.Node).
package struct EnvoyNode: Hashable, Sendable {
    /// `node.id`: the instance.
    package var id: String
    /// `node.cluster`: the gateway.
    package var cluster: String
    /// The text fields of `node.metadata`, not those of nested structures.
    package var metadata: [String: String]

    package init(id: String = "", cluster: String = "", metadata: [String: String] = [:]) {
        self.id = id
        self.cluster = cluster
        self.metadata = metadata
    }

    /// `node.metadata.boot_id`: the epoch, where the launcher gives one; an empty one is none.
    package var bootID: String? {
        guard let value = metadata["boot_id"], !value.isEmpty else { return nil }
        return value
    }
}
