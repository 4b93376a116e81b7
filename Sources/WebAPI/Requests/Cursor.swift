import Foundation

/// Where a page begins: the sort key of the entry before it, opaque to the reader.
struct Cursor: Codable, Sendable {
    /// What the list is of and filtered by, so that a cursor of another list is refused.
    let list: String
    let after: [String]

    var text: String {
        let json = (try? JSONEncoder().encode(self)) ?? Data()
        return json.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    init(list: String, after: [String]) {
        self.list = list
        self.after = after
    }

    /// - Throws: ``Problem`` 400 for a cursor that this list did not give.
    init(_ text: String, list: String, keys: Int) throws {
        var base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while base64.utf8.count % 4 != 0 { base64 += "=" }
        guard let data = Data(base64Encoded: base64), let cursor = try? JSONDecoder().decode(Cursor.self, from: data),
            cursor.list == list, cursor.after.count == keys, !cursor.after.contains(where: { $0.utf8.contains(0) })
        else { throw Problem.invalid("cursor", rule: "format", "is not one that this list gave") }
        self = cursor
    }
}

/// A part of a list: `{"items":[…],"next_cursor":"…"}`; the cursor is null on the last page.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    let nextCursor: String?

    /// - Parameter found: up to one entry more than a page holds, which tells that there is another page.
    init(_ found: [Item], size: Int, list: String, key: (Item) -> [String]) {
        items = Array(found.prefix(size))
        nextCursor = found.count > size ? items.last.map { Cursor(list: list, after: key($0)).text } : nil
    }

    private enum CodingKeys: String, CodingKey { case items, nextCursor }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(items, forKey: .items)
        try container.encode(nextCursor, forKey: .nextCursor)
    }
}
