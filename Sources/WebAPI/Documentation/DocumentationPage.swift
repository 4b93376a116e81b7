/// `/docs`: the OpenAPI document as a page without scripts.
struct DocumentationPage {
    let document: [String: Any]

    var html: String {
        let info = document["info"] as? [String: Any] ?? [:]
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(text(info["title"]))</title><style>\(Self.style)</style></head><body><main>
            <h1>\(text(info["title"])) <small>\(text(info["version"]))</small></h1>
            \(paragraphs(info["description"]))
            <p><a href="/openapi.json">The OpenAPI document</a></p>
            <nav><h2>Operations</h2><ul>\(operations.map(\.entry).joined())</ul></nav>
            \(operations.map { section($0) }.joined(separator: "\n"))
            <h2 id="problems">Problems</h2>
            \(problems)
            </main></body></html>

            """
    }

    private struct Operation {
        let method: String
        let path: String
        let body: [String: Any]

        var id: String {
            (method + path).map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
        }
        var entry: String {
            "<li><a href=\"#\(id)\"><code>\(method.uppercased()) \(DocumentationPage.escaped(path))</code></a></li>"
        }
    }

    private static let methods = ["get", "post", "put", "patch", "delete"]

    private var operations: [Operation] {
        let paths = document["paths"] as? [String: Any] ?? [:]
        return paths.keys.sorted().flatMap { path -> [Operation] in
            let item = paths[path] as? [String: Any] ?? [:]
            return Self.methods.compactMap { method in
                (item[method] as? [String: Any]).map { Operation(method: method, path: path, body: $0) }
            }
        }
    }

    private func section(_ operation: Operation) -> String {
        let parameters = (operation.body["parameters"] as? [Any] ?? []).map { resolved($0) }
        let rows = parameters.map { parameter in
            "<tr><td><code>\(text(parameter["name"]))</code></td><td>\(text(parameter["in"]))</td><td>"
                + ((parameter["required"] as? Bool ?? false) ? "required" : "")
                + "</td><td>\(paragraphs(parameter["description"]))</td></tr>"
        }
        let responses = operation.body["responses"] as? [AnyHashable: Any] ?? [:]
        let answers = responses.map { (status: "\($0.key)", body: resolved($0.value)) }.sorted { $0.status < $1.status }
            .map { "<tr><td>\(Self.escaped($0.status))</td><td>\(paragraphs($0.body["description"]))</td></tr>" }
        return """
            <section id="\(operation.id)">
            <h3><code>\(operation.method.uppercased()) \(Self.escaped(operation.path))</code></h3>
            <p><strong>\(text(operation.body["summary"]))</strong></p>
            \(paragraphs(operation.body["description"]))
            \(rows.isEmpty ? "" : "<table><tr><th>parameter</th><th>in</th><th></th><th></th></tr>\(rows.joined())</table>")
            <table><tr><th>status</th><th></th></tr>\(answers.joined())</table>
            </section>
            """
    }

    private var problems: String {
        let kinds = document["x-problems"] as? [String: Any] ?? [:]
        return kinds.keys.sorted().map { kind in
            "<h3 id=\"problem-\(Self.escaped(kind))\">\(Self.escaped(kind))</h3>\(paragraphs(kinds[kind]))"
        }.joined()
    }

    /// Follows a `$ref` into the document.
    private func resolved(_ value: Any) -> [String: Any] {
        guard let object = value as? [String: Any] else { return [:] }
        guard let reference = object["$ref"] as? String, reference.hasPrefix("#/") else { return object }
        var place: Any = document
        for part in reference.dropFirst(2).split(separator: "/") {
            place = (place as? [String: Any])?[String(part)] ?? [:]
        }
        return place as? [String: Any] ?? [:]
    }

    private func text(_ value: Any?) -> String { value.map { Self.escaped("\($0)") } ?? "" }

    private func paragraphs(_ value: Any?) -> String {
        guard let value = value as? String else { return "" }
        return value.split(separator: "\n\n").map { "<p>\(code(Self.escaped(String($0))))</p>" }.joined()
    }

    /// `word` between backticks.
    private func code(_ text: String) -> String {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 ? "<code>\(part)</code>" : String(part)
        }.joined()
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    private static let style = """
        :root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}
        main{max-width:52rem;margin:0 auto;padding:1rem}code{font-size:.95em;overflow-wrap:anywhere}
        section{border-top:1px solid #8886;margin-top:1.5rem}table{border-collapse:collapse;width:100%}
        td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}td p{margin:0}small{font-weight:normal}
        """
}
