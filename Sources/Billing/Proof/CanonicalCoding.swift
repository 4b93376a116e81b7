import Foundation

/// JSON with one spelling for each value: keys sorted, no white space. Digests are taken of it.
package enum CanonicalCoding {
    package static func text(_ value: some Encodable) throws(BillingError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw BillingError(.corrupt, "a value can not be written as JSON: \(error)")
        }
    }

    /// Reads what ``text(_:)`` wrote. `place` says in an error where the text was found.
    package static func value<Value: Decodable>(
        _ type: Value.Type = Value.self, from text: String, _ place: String
    ) throws(BillingError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw BillingError(.corrupt, "\(place) can not be read: \(error)")
        }
    }
}
