import StrictYAML

/// One line of the identity map: the instance that a lower source calls by one name is the one that a higher source calls
/// by another. So the lower one may stand in for it (rule 8).
package struct SourceIdentity: Hashable, Sendable {
    package var gateway: String
    /// The lower source.
    package var source: SourceKind
    /// The name that the lower source gives the instance.
    package var instance: String
    /// The name that the higher source gives it.
    package var standsFor: String

    package init(gateway: String, source: SourceKind, instance: String, standsFor: String) {
        self.gateway = gateway
        self.source = source
        self.instance = instance
        self.standsFor = standsFor
    }

    init(_ field: YAMLField) throws(YAMLFieldError) {
        let fields = try field.keys(allowed: ["gateway", "source", "instance", "stands_for"])
        let source = try field.require("source", in: fields)
        let name = try source.text()
        guard let kind = SourceKind(name: name) else {
            throw source.error(
                "\(name) is no source; allowed: \(SourceKind.allCases.map(\.name).joined(separator: ", "))")
        }
        self.init(
            gateway: try field.require("gateway", in: fields).text(), source: kind,
            instance: try field.require("instance", in: fields).text(),
            standsFor: try field.require("stands_for", in: fields).text())
    }
}
