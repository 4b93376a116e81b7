/// The OpenAPI document as plain values, with its references followed.
struct OpenAPIDocument {
    let root: [String: Any]

    /// One of its operations.
    struct Operation {
        let method: String
        let path: String
        let body: [String: Any]
    }

    private static let methods = ["get", "post", "put", "patch", "delete"]

    /// All, in the order of paths.
    var operations: [Operation] {
        let paths = root["paths"] as? [String: Any] ?? [:]
        return paths.keys.sorted().flatMap { path -> [Operation] in
            let item = paths[path] as? [String: Any] ?? [:]
            return Self.methods.compactMap { method in
                (item[method] as? [String: Any]).map { Operation(method: method, path: path, body: $0) }
            }
        }
    }

    /// Schemas by name.
    var schemas: [String: Any] { (root["components"] as? [String: Any])?["schemas"] as? [String: Any] ?? [:] }

    /// The schema's name, where a value is a reference to one.
    func name(of value: Any) -> String? {
        let prefix = "#/components/schemas/"
        guard let reference = (value as? [String: Any])?["$ref"] as? String, reference.hasPrefix(prefix) else {
            return nil
        }
        return String(reference.dropFirst(prefix.count))
    }

    /// Follows a `$ref` into the document.
    func resolved(_ value: Any) -> [String: Any] {
        guard let object = value as? [String: Any] else { return [:] }
        guard let reference = object["$ref"] as? String, reference.hasPrefix("#/") else { return object }
        var place: Any = root
        for part in reference.dropFirst(2).split(separator: "/") {
            place = (place as? [String: Any])?[String(part)] ?? [:]
        }
        return place as? [String: Any] ?? [:]
    }
}
