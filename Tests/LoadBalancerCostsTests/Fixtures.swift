import Foundation
import LoadBalancerCosts
import Testing

/// Files beside the tests and the configuration that ships.
enum Fixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
        return [UInt8](try Data(contentsOf: url))
    }

    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    /// config/prices as it is shipped.
    static let catalogue: PriceCatalogue = {
        do {
            let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/prices")
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            return try PriceCatalogue(
                files: names.filter { $0.hasSuffix(".yaml") }.map { name in
                    PriceFile(
                        name: name, text: try String(contentsOf: directory.appending(path: name), encoding: .utf8))
                })
        } catch {
            preconditionFailure("config/prices does not load: \(error)")
        }
    }()
}

/// A vector's value: numbers and numeric strings alike are exact.
enum VectorValue: Decodable, Sendable {
    case text(String)
    case flag(Bool)
    case list([VectorValue])
    case object([String: VectorValue])
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .text(String(value))
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([VectorValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: VectorValue].self))
        }
    }

    subscript(_ key: String) -> VectorValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    var fraction: Fraction? { text.flatMap { Fraction(decimal: $0) } }
    var flag: Bool {
        guard case .flag(let value) = self else { return false }
        return value
    }
}

extension Fraction {
    /// Rounded to as many places as the expected text has.
    func rounded(like expected: String) -> String {
        rounded(places: expected.split(separator: ".", omittingEmptySubsequences: false).dropFirst().first?.count ?? 0)
    }
}
