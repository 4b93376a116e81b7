/// A JSON value that keeps its numbers as text, so that `1.08` stays exactly 1.08, and its place in the file.
struct JSONNode: Sendable {
    enum Value: Sendable {
        case null
        case bool(Bool)
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([(key: String, value: JSONNode)])
    }

    let value: Value
    /// Where it begins, in bytes.
    let offset: Int

    /// The first member of that name; nil for another kind of value.
    func member(_ key: String) -> JSONNode? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    var string: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    var members: [(key: String, value: JSONNode)] {
        guard case .object(let members) = value else { return [] }
        return members
    }
}
