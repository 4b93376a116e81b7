/// `/docs`: the OpenAPI document as a page without scripts, that asks for nothing else.
///
/// Each operation has its parameters, its body and its answers, each with its schema and an example; a schema with a name
/// stands once, at the end, and is linked to.
struct DocumentationPage {
    let document: OpenAPIDocument

    private var examples: SchemaExample { SchemaExample(document: document) }

    var html: String {
        let info = document.root["info"] as? [String: Any] ?? [:]
        let operations = document.operations
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(text(info["title"]))</title><style>\(Self.style)</style></head><body><main>
            <h1>\(text(info["title"])) <small>\(text(info["version"]))</small></h1>
            \(paragraphs(info["description"]))
            <p><a href="/openapi.json">The OpenAPI document</a></p>
            <nav><h2>Operations</h2>\(tags.map { contents($0, of: operations) }.joined())</nav>
            \(operations.map { section($0) }.joined(separator: "\n"))
            <h2 id="schemas">Schemas</h2>
            \(document.schemas.keys.sorted().map { namedSchema($0) }.joined(separator: "\n"))
            <h2 id="problems">Problems</h2>
            \(problems)
            </main></body></html>

            """
    }

    // MARK: - Contents

    private var tags: [String] {
        (document.root["tags"] as? [Any] ?? []).compactMap { ($0 as? [String: Any])?["name"] as? String }
    }

    private func contents(_ tag: String, of operations: [OpenAPIDocument.Operation]) -> String {
        let entries = operations.filter { ($0.body["tags"] as? [String] ?? []).contains(tag) }.map { operation in
            "<li><a href=\"#\(id(operation))\"><code>\(operation.method.uppercased()) "
                + "\(Self.escaped(operation.path))</code></a> <span>\(code(text(operation.body["summary"])))</span></li>"
        }
        return "<h3>\(Self.escaped(tag))</h3><ul>\(entries.joined())</ul>"
    }

    private func id(_ operation: OpenAPIDocument.Operation) -> String {
        (operation.method + operation.path).map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
    }

    // MARK: - Operations

    private func section(_ operation: OpenAPIDocument.Operation) -> String {
        let parameters = (operation.body["parameters"] as? [Any] ?? []).map { document.resolved($0) }
        let responses = (operation.body["responses"] as? [AnyHashable: Any] ?? [:])
            .map { (status: "\($0.key)", body: document.resolved($0.value)) }.sorted { $0.status < $1.status }
        let done = responses.filter { $0.status.hasPrefix("2") }
        let others = responses.filter { !$0.status.hasPrefix("2") }
        return """
            <section id="\(id(operation))">
            <h2><code><b>\(operation.method.uppercased())</b> \(Self.escaped(operation.path))</code></h2>
            <p><strong>\(code(text(operation.body["summary"])))</strong></p>
            \(paragraphs(operation.body["description"]))
            \(parameters.isEmpty ? "" : table(of: parameters))
            \(requestBody(operation))
            \(done.map { answer($0.status, $0.body) }.joined(separator: "\n"))
            <h3>Else</h3>
            <table>\(others.map { row("<code>\(Self.escaped($0.status))</code>", refusal($0.body)) }.joined())</table>
            </section>
            """
    }

    private func table(of parameters: [[String: Any]]) -> String {
        let rows = parameters.map { parameter in
            let example = parameter["example"].map { value in
                let words = (value as? [Any])?.map { "\($0)" }.joined(separator: ",") ?? "\(value)"
                return " Example: <code>\(Self.escaped(words))</code>"
            }
            return row(
                "<code>\(text(parameter["name"]))</code>",
                text(parameter["in"]) + ((parameter["required"] as? Bool ?? false) ? ", required" : ""),
                brief(parameter["schema"] ?? [:]) + paragraphs(parameter["description"]) + (example ?? ""))
        }
        return "<h3>Parameters</h3><table>\(rows.joined())</table>"
    }

    private func requestBody(_ operation: OpenAPIDocument.Operation) -> String {
        guard let body = operation.body["requestBody"].map({ document.resolved($0) }) else { return "" }
        return "<h3>Body</h3>" + media(body)
    }

    private func answer(_ status: String, _ response: [String: Any]) -> String {
        let headers = (response["headers"] as? [String: Any] ?? [:]).keys.sorted()
        let named =
            headers.isEmpty ? "" : "<p>With \(headers.map { "<code>\($0)</code>" }.joined(separator: ", ")).</p>"
        return "<h3>Answer <code>\(Self.escaped(status))</code></h3>\(paragraphs(response["description"]))\(named)"
            + media(response)
    }

    /// Each media type with its schema and an example.
    private func media(_ holder: [String: Any]) -> String {
        let content = holder["content"] as? [String: Any] ?? [:]
        let programs = content.keys.filter { $0.hasSuffix("json") }.sorted()
        let others = content.keys.filter { !$0.hasSuffix("json") }.sorted()
        let shown = programs.map { type -> String in
            let media = content[type] as? [String: Any] ?? [:]
            let schema = media["schema"] ?? [:]
            let example = media["example"].map { examples.text(["example": $0]) } ?? examples.text(schema)
            return """
                <p><code>\(Self.escaped(type))</code>: \(brief(schema))</p>
                <details><summary>Schema</summary>\(fields(document.resolved(schema)))</details>
                <details open><summary>Example</summary><pre>\(Self.escaped(example))</pre></details>
                """
        }
        let also = others.map { "<code>\(Self.escaped($0))</code>" }.joined(separator: ", ")
        return shown.joined() + (also.isEmpty ? "" : "<p>Also as \(also).</p>")
    }

    private func refusal(_ response: [String: Any]) -> String {
        let content = response["content"] as? [String: Any] ?? [:]
        let schema = (content["application/problem+json"] as? [String: Any])?["schema"]
        return paragraphs(response["description"]) + (schema.map { brief($0) } ?? "")
    }

    // MARK: - Schemas

    private func namedSchema(_ name: String) -> String {
        let schema = document.resolved(document.schemas[name] ?? [:])
        return """
            <section id="schema-\(Self.escaped(name))"><h3><code>\(Self.escaped(name))</code></h3>
            \(paragraphs(schema["description"]))\(fields(schema))</section>
            """
    }

    /// The properties of an object, one a line; the bounds of anything else.
    private func fields(_ schema: [String: Any]) -> String {
        guard let properties = schema["properties"] as? [String: Any] else {
            return "<p>\(brief(schema))</p>"
        }
        let required = Set(schema["required"] as? [String] ?? [])
        let rows = properties.keys.sorted().map { name -> String in
            let property = properties[name] ?? [:]
            let resolved = document.resolved(property)
            let own = document.name(of: property) == nil ? inner(resolved) : ""
            return "<li><code>\(Self.escaped(name))</code> \(brief(property))"
                + (required.contains(name) ? " <em>required</em>" : "")
                + paragraphs((property as? [String: Any])?["description"] ?? resolved["description"]) + own + "</li>"
        }
        return "<ul class=\"fields\">\(rows.joined())</ul>"
    }

    /// What a schema without a name holds: an object's properties, or those of an array's objects.
    private func inner(_ schema: [String: Any]) -> String {
        if schema["properties"] != nil { return fields(schema) }
        guard let items = schema["items"], document.name(of: items) == nil else { return "" }
        return inner(document.resolved(items))
    }

    /// What kind of value it is, in a few words.
    private func brief(_ value: Any) -> String {
        if let name = document.name(of: value) {
            let name = Self.escaped(name)
            return "<a href=\"#schema-\(name)\">\(name)</a>"
        }
        let schema = document.resolved(value)
        if let choices = schema["oneOf"] as? [Any] { return choices.map { brief($0) }.joined(separator: " or ") }
        var words = ((schema["type"] as? [String]) ?? [schema["type"] as? String ?? "object"]).joined(separator: " or ")
        if let items = schema["items"] { words += " of " + brief(items) }
        if let further = schema["additionalProperties"] as? [String: Any] { words += " of " + brief(further) }
        if let format = schema["format"] { words += ", \(text(format))" }
        if let choices = schema["enum"] as? [Any] {
            words += ": " + choices.map { "<code>\(text($0))</code>" }.joined(separator: ", ")
        }
        for (key, sign) in [("minimum", "≥"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤")] {
            if let bound = schema[key] { words += " \(sign) \(text(bound))" }
        }
        if let pattern = schema["pattern"] { words += " <code>\(text(pattern))</code>" }
        return words
    }

    private var problems: String {
        let kinds = document.root["x-problems"] as? [String: Any] ?? [:]
        return kinds.keys.sorted().map { kind in
            "<h3 id=\"problem-\(Self.escaped(kind))\">\(Self.escaped(kind))</h3>\(paragraphs(kinds[kind]))"
        }.joined()
    }

    // MARK: - Text

    private func row(_ cells: String...) -> String { "<tr>\(cells.map { "<td>\($0)</td>" }.joined())</tr>" }

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
        :root{color-scheme:light dark;--line:#8886;--soft:#8882}body{font:16px/1.5 system-ui,sans-serif;margin:0}
        main{max-width:56rem;margin:0 auto;padding:1rem 1rem 4rem}code{font-size:.92em;overflow-wrap:anywhere}
        h2{margin:1rem 0 .25rem;font-size:1.25rem}h3{margin:1rem 0 .25rem;font-size:1rem}p{margin:.25rem 0}
        section{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:.25rem}
        table{border-collapse:collapse;width:100%}td{vertical-align:top;padding:.25rem .75rem .25rem 0}
        td:first-child{white-space:nowrap}nav ul{list-style:none;padding:0}nav li{padding:.1rem 0}
        nav span{opacity:.75}small{font-weight:normal}em{opacity:.7;font-size:.9em}
        ul.fields{padding-left:1.25rem;margin:.25rem 0}ul.fields p{opacity:.8}
        details{margin:.35rem 0}summary{cursor:pointer}
        pre{background:var(--soft);border-radius:.4rem;padding:.75rem;overflow:auto;max-height:24rem;margin:.35rem 0;
        font-size:.85rem}@media(max-width:40rem){td{display:block;padding:.1rem 0}tr{display:block;padding:.4rem 0}}
        """
}
