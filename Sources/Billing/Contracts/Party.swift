/// A side of a contract as it stands on paper.
package struct Party: Hashable, Sendable, Codable {
    /// The full name of the person or company.
    package var name: String
    /// The lines of the address, without the name.
    package var address: [String]
    /// Such as `DE123456789`; nil where there is none.
    package var taxID: String?

    package init(name: String, address: [String] = [], taxID: String? = nil) {
        self.name = name
        self.address = address
        self.taxID = taxID
    }

    private enum CodingKeys: String, CodingKey {
        case name, address
        case taxID = "tax_id"
    }
}
