import Foundation
import TestSupport
import Yams

/// docs/openapi.yaml, as tests hold answers against it. Unchecked: plain JSON values that nobody changes after reading.
struct APIDocument: @unchecked Sendable {
    let root: [String: Any]

    static let shipped = Result { () throws -> APIDocument in
        let text = try Shipped.text("docs/openapi.yaml")
        guard let root = try Yams.load(yaml: text) as? [String: Any] else { throw NotRead() }
        return APIDocument(root: root)
    }

    struct NotRead: Error {}

    struct Operation: Sendable {
        let method: String
        let path: String
    }

    /// All operations, in the order of paths.
    var operations: [Operation] {
        let paths = root["paths"] as? [String: Any] ?? [:]
        return paths.keys.sorted().flatMap { path in
            ((paths[path] as? [String: Any])?.keys.sorted() ?? [])
                .filter { ["get", "post", "put", "patch", "delete"].contains($0) }
                .map { Operation(method: $0.uppercased(), path: path) }
        }
    }

    /// What is wrong with an answer by the document; empty when nothing is.
    func faults(method: String, path: String, status: Int, contentType: String?, body: Data) -> [String] {
        if path.hasPrefix("/docs") || path.hasPrefix("/openapi.json") { return [] }
        // HEAD is GET without a body.
        let asked = method == "HEAD" ? "GET" : method
        guard let operation = operation(asked, path), status != 414 else {
            return faultsOutside(method: method, path: path, status: status, body: body)
        }
        if method == "HEAD", !body.isEmpty { return ["HEAD \(path) has a body"] }
        let responses = operation["responses"] as? [AnyHashable: Any] ?? [:]
        guard let response = responses[AnyHashable(String(status))].map({ resolved($0) }) else {
            return ["\(method) \(path) answers \(status), which is not in the document"]
        }
        if method == "HEAD" { return [] }
        let content = response["content"] as? [String: Any] ?? [:]
        if content.isEmpty { return body.isEmpty ? [] : ["\(method) \(path) \(status) has a body, and should not"] }
        let type = contentType?.split(separator: ";").first.map(String.init) ?? "none"
        guard let media = content[type] as? [String: Any] else {
            return ["\(method) \(path) \(status) is of type \(type), which is not in the document"]
        }
        guard type.hasSuffix("json") else { return [] }
        guard let value = try? JSONSerialization.jsonObject(with: body, options: [.fragmentsAllowed]) else {
            return ["\(method) \(path) \(status) is not JSON"]
        }
        return SchemaCheck(document: self).faults(
            value, resolved(media["schema"] ?? [:]), at: "\(method) \(path) \(status)")
    }

    /// What is not in the document is refused with a problem, or tells what there is.
    private func faultsOutside(method: String, path: String, status: Int, body: Data) -> [String] {
        if status == 204, method == "OPTIONS", body.isEmpty { return [] }
        guard [404, 405, 414].contains(status) else {
            return ["\(method) \(path) is not in the document, and is answered by \(status)"]
        }
        guard method != "HEAD" else { return [] }
        guard let value = try? JSONSerialization.jsonObject(with: body) else {
            return ["\(path) \(status) is not JSON"]
        }
        return SchemaCheck(document: self).faults(
            value, resolved(["$ref": "#/components/schemas/Problem"]), at: "\(method) \(path) \(status)")
    }

    /// The names of an operation's parameters in the query.
    func queryNames(method: String, path: String) -> Set<String> {
        Set(
            (operation(method, path)?["parameters"] as? [Any] ?? []).map { resolved($0) }
                .filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String })
    }

    /// The body of an operation's example.
    func example(method: String, path: String) -> Data? {
        let body = operation(method, path)?["requestBody"] as? [String: Any]
        let json = (body?["content"] as? [String: Any])?["application/json"] as? [String: Any]
        return json?["example"].flatMap { try? JSONSerialization.data(withJSONObject: $0) }
    }

    /// An operation's query, of the examples of its parameters.
    func query(method: String, path: String, changing: [String: String] = [:]) -> String {
        let parameters = (operation(method, path)?["parameters"] as? [Any] ?? []).map { resolved($0) }
        let pairs = parameters.compactMap { parameter -> String? in
            guard parameter["in"] as? String == "query", let name = parameter["name"] as? String else { return nil }
            let example =
                changing[name] ?? (parameter["example"] as? [String])?.joined(separator: ",")
                ?? parameter["example"].map { "\($0)" }
            return example.flatMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) }.map {
                "\(name)=\($0)"
            }
        }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    private func operation(_ method: String, _ path: String) -> [String: Any]? {
        let paths = root["paths"] as? [String: Any] ?? [:]
        let parts = path.split(separator: "?")[0].split(separator: "/")
        let exact = paths[String(path.split(separator: "?")[0])]
        let item =
            exact
            ?? paths.filter { pattern, _ in
                let pieces = pattern.split(separator: "/")
                return pieces.count == parts.count
                    && zip(pieces, parts).allSatisfy { piece, part in
                        guard piece.hasPrefix("{") else { return piece == part }
                        return part.hasSuffix(piece.drop { $0 != "}" }.dropFirst())
                    }
                // `{name}:apply` before `{name}`.
            }.max { $0.key.count < $1.key.count }?.value
        return (item as? [String: Any])?[method.lowercased()] as? [String: Any]
    }

    /// Follows a `$ref` into the document.
    func resolved(_ value: Any) -> [String: Any] {
        guard let object = value as? [String: Any] else { return [:] }
        guard let reference = object["$ref"] as? String else { return object }
        var place: Any = root
        for part in reference.dropFirst(2).split(separator: "/") {
            place = (place as? [String: Any])?[String(part)] ?? [:]
        }
        return resolved(place)
    }
}
