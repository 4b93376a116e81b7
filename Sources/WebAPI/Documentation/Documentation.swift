import Foundation
import Yams

/// The OpenAPI document, which is written by hand, as the API gives it away: as JSON, and as a page to read.
struct Documentation: Sendable {
    /// By path.
    let pages: [(path: String, answer: Answer)]

    /// - Throws: `WebAPI.ConfigurationError` where the document can not be read.
    init(yaml: String) throws {
        guard let object = try? Yams.load(yaml: yaml) as? [String: Any], object["paths"] is [String: Any] else {
            throw WebAPI.ConfigurationError(message: "the OpenAPI document is not YAML with paths")
        }
        let json = try JSONSerialization.data(
            withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        let page = DocumentationPage(document: OpenAPIDocument(root: object)).html
        pages = [
            ("/openapi.json", Answer(contentType: Answer.json, body: Array(json))),
            ("/docs", Answer(contentType: "text/html; charset=utf-8", body: Array(page.utf8))),
        ]
    }
}
