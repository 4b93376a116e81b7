/// An answer about one tenant: `{"tenant":"acme", …}` with the keys of the content beside it.
package struct ForTenant<Content: Encodable & Sendable>: Encodable, Sendable {
    package let tenant: String
    package let content: Content

    /// What is said of a tenant. The content is written as an object.
    package init(_ tenant: String, _ content: Content) {
        self.tenant = tenant
        self.content = content
    }

    private enum Key: String, CodingKey {
        case tenant
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tenant, forKey: .tenant)
        try content.encode(to: encoder)
    }
}
