import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import WebAPI

/// `/docs`: the contract as a page to read.
@Suite struct DocumentationTests {
    private static func document() throws -> OpenAPIDocument {
        OpenAPIDocument(root: try APIDocument.shipped.get().root)
    }

    /// The media types with JSON of a body or an answer.
    private static func schemas(_ holder: [String: Any]) -> [Any] {
        (holder["content"] as? [String: Any] ?? [:]).filter { $0.key.hasSuffix("json") }
            .compactMap { ($0.value as? [String: Any])?["schema"] }
    }

    @Test func `Each example on the page fits its schema`() throws {
        let document = try Self.document()
        let check = SchemaCheck(document: try APIDocument.shipped.get())
        let examples = SchemaExample(document: document)
        var count = 0
        func hold(_ schema: Any, _ place: String) {
            count += 1
            #expect(check.faults(examples.value(schema), document.resolved(schema), at: place) == [])
        }
        for operation in document.operations {
            let place = "\(operation.method) \(operation.path)"
            let responses = operation.body["responses"] as? [AnyHashable: Any] ?? [:]
            for holder in [operation.body["requestBody"] ?? [:]] + responses.values {
                for schema in Self.schemas(document.resolved(holder)) { hold(schema, place) }
            }
        }
        for (name, schema) in document.schemas { hold(schema, name) }
        #expect(count > 100)
    }

    @Test func `Each operation shows its body and its answer, with a schema and an example`() async throws {
        try await withOpenAPI { api in
            let document = try Self.document()
            let page = String(buffer: try await api.send(.get, "/docs").body)
            let sections = page.components(separatedBy: "<section id=\"")
            for operation in document.operations {
                let title = "<b>\(operation.method.uppercased())</b> \(operation.path)</code>"
                let section = try #require(sections.first { $0.contains(title) }, "\(title)")
                let body = operation.body["requestBody"].map { document.resolved($0) }
                let responses = operation.body["responses"] as? [AnyHashable: Any] ?? [:]
                let answers = responses.filter { "\($0.key)".hasPrefix("2") }.map { document.resolved($0.value) }
                let shown = ([body ?? [:]] + answers).flatMap { Self.schemas($0) }.count
                #expect(section.contains("<h3>Body</h3>") == (body != nil), "\(title)")
                #expect(
                    section.components(separatedBy: "<summary>Example</summary><pre>").count == shown + 1, "\(title)")
                #expect(section.components(separatedBy: "<summary>Schema</summary>").count == shown + 1, "\(title)")
                #expect(!section.contains("<pre></pre>") && !section.contains("<pre>{}</pre>"), "\(title)")
            }
        }
    }

    @Test func `The page asks for nothing, runs nothing, and each of its links leads somewhere`() async throws {
        try await withOpenAPI { api in
            let page = String(buffer: try await api.send(.get, "/docs").body)
            for word in ["<script", "<img", "<link", "src=", "@import", "url(", "http://", "https://", "onload"] {
                #expect(!page.contains(word), "\(word)")
            }
            let links = page.components(separatedBy: "href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
            #expect(links.count > 200)
            for link in Set(links) where link != "/openapi.json" {
                #expect(link.hasPrefix("#") && page.contains("id=\"\(link.dropFirst())\""), "\(link)")
            }
            // What problems point to is there.
            let problem = try await api.send(.get, "/v1/usage/monthly").json["type"] as? String
            #expect(problem.map { page.contains("id=\"\($0.drop { $0 != "#" }.dropFirst())\"") } == true)
        }
    }
}
