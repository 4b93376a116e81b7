import Metering

/// Who sends an OTLP export: Envoy says nothing of itself there unless its bootstrap gives resource attributes. Pure.
package struct OTLPIdentity: Hashable, Sendable {
    /// Attributes that name the gateway, the first one that is present; else `gateway`.
    package var gatewayAttributes = ["waybill.gateway", "service.name"]
    /// Attributes that name the instance, the first one that is present; else the sender's address.
    package var instanceAttributes = ["service.instance.id", "host.name"]
    package var gateway = "otlp"
    /// What the sink puts before each name; empty for none.
    package var prefix = ""
    /// Fixed tags that are no part of a name.
    package var ignoredTags: Set<String> = []

    package init() {}

    /// - Parameter peer: the sender's address, without its port.
    package func name(_ attributes: [String: String], peer: String) -> (gateway: String, instance: String) {
        (
            gateway: first(gatewayAttributes, in: attributes) ?? gateway,
            instance: first(instanceAttributes, in: attributes) ?? (peer.isEmpty ? StreamIdentity.unknown : peer)
        )
    }

    private func first(_ names: [String], in attributes: [String: String]) -> String? {
        names.lazy.compactMap { attributes[$0] }.first { (1...512).contains($0.utf8.count) && !$0.utf8.contains(0) }
    }
}
