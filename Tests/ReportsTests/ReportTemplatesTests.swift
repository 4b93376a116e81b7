import Foundation
import Reports
import TestSupport
import Testing

@Suite("Templates")
struct ReportTemplatesTests {
    @Test("The shipped templates are read, in English and German")
    func shipped() throws {
        let templates = try ReportTemplates(directory: Shipped.path("reports"))
        #expect(templates.languageCodes == ["de", "en"])
    }

    @Test(
        "A template with an error is refused with file and line",
        arguments: [
            ("a\n{{#rows}}\n{{/row}}", ":3:"), ("a\n\n{{name", ":3:"), ("{{#rows}}\nx", "is not closed by {{/name}}"),
            ("a\n{{> nothing}}", ":2: there is no template nothing.mustache"),
        ])
    func brokenTemplate(_ source: String, _ place: String) throws {
        let folder = try Folder(copying: ["report.css": "", "broken.mustache": source])
        defer { folder.remove() }
        let error = #expect(throws: ReportError.self) { try ReportTemplates(directory: folder.path) }
        #expect(error?.message.contains("broken.mustache") == true)
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
    }

    @Test("A template that names a field which its report does not have is refused with file and line")
    func unknownField() throws {
        let folder = try Folder(copying: ["report.css": "", "page.mustache": "{{name}}\n{{#rows}}\n{{nmae}}{{/rows}}"])
        defer { folder.remove() }
        let templates = try ReportTemplates(directory: folder.path)
        let fields = TemplateFields()
        fields.text("name", "Acme")
        fields.rows("rows", ["name"], [])
        let error = #expect(throws: ReportError.self) {
            try templates.render("page", fields, in: try templates.language("en"), title: "T")
        }
        #expect(error?.message.hasSuffix("page.mustache:3: this report has no field nmae") == true)
    }

    @Test("A locale file with a missing label, an unknown label or a wrong pattern is refused with its place")
    func brokenLocale() throws {
        let english = try Shipped.text("reports/locales/en.yaml")
        for (old, new, said) in [
            ("  subtotal: \"Subtotal\"\n", "", "the key subtotal is missing"),
            ("  subtotal:", "  subtotle: \"x\"\n  subtotal:", "subtotle: unknown key"),
            ("money: \"{currency} {amount}\"", "money: \"{amount}\"", "lacks {currency}"),
            ("group_separator: comma", "group_separator: dash", "allowed: comma, point, space, apostrophe"),
        ] {
            let yaml = english.replacing(old, with: new)
            #expect(yaml != english)
            let error = #expect(throws: ReportError.self) { try ReportLanguage(yaml: yaml, file: "xx.yaml") }
            #expect(error?.message.contains(said) == true, "\(error?.message ?? "")")
            #expect(error?.message.hasPrefix("xx.yaml:") == true)
        }
    }

    @Test(
        "No text from outside becomes markup, whatever is joined to its characters",
        arguments: [
            "<script>alert(1)</script>", "\"\u{301} onclick=x", "<\u{338}b>", "'\u{200D} x", "&\u{E0100}lt;",
            "a\u{0}b\u{1B}[31mred", "\u{202E}reversed",
        ])
    func escaping(_ name: String) throws {
        let folder = try Folder(copying: ["report.css": "", "page.mustache": "<a title=\"{{name}}\">{{name}}</a>"])
        defer { folder.remove() }
        let templates = try ReportTemplates(directory: folder.path)
        let fields = TemplateFields()
        fields.text("name", name)
        let page = try templates.render("page", fields, in: try templates.language("en"), title: "T")
        // By scalars: a comparison of characters would not see a quote with an accent.
        let scalars = page.unicodeScalars.filter { ["<", ">", "\"", "'"].contains($0) }
        #expect(String(String.UnicodeScalarView(scalars)) == "<\"\"><>", "\(page)")
        #expect(!page.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E })
    }
}

/// A folder of report files that is removed again.
struct Folder {
    let path: String

    /// The shipped locale files, and the given files.
    init(copying files: [String: String]) throws {
        path = NSTemporaryDirectory() + "waybill-reports-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Shipped.path("reports/locales"), toPath: path + "/locales")
        for (name, text) in files { try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8) }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
