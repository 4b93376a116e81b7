import Foundation
import Mustache

/// The templates, style sheet and locale files of a folder: `reports/` of the installation, or a customised copy.
///
///     *.mustache        one a report, and the partials that they share
///     report.css        one look for the screen, dark and light, and for paper
///     locales/*.yaml    labels and number formats, one file a language
///
/// They are read and checked once; then rendering does no I/O.
package struct ReportTemplates: Sendable {
    package let directory: String
    private let library: MustacheLibrary
    private let sources: [String: String]
    private let styleSheet: String
    private let languages: [String: ReportLanguage]

    /// Reads a folder. Throws `invalidTemplate` with file and line for what can not be used.
    package init(directory: String) throws(ReportError) {
        self.directory = directory
        let files = try Self.list(directory)
        var library = MustacheLibrary()
        var sources: [String: String] = [:]
        for file in files.sorted() where file.hasSuffix(".mustache") {
            let name = String(file.dropLast(".mustache".count))
            let source = try Self.text(directory, file)
            do {
                library.register(try MustacheTemplate(string: source), named: name)
            } catch let error as MustacheTemplate.ParserError {
                throw Self.unreadable("\(directory)/\(file)", source, error)
            } catch {
                throw ReportError(.invalidTemplate, "\(directory)/\(file): \(error)")
            }
            sources[name] = source
        }
        for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
            for tag in TemplateTags(source).tags where tag.kind == .partial && sources[tag.name] == nil {
                throw ReportError(
                    .invalidTemplate,
                    "\(directory)/\(name).mustache:\(tag.line): there is no template \(tag.name).mustache beside it")
            }
        }
        self.library = library
        self.sources = sources
        styleSheet = try Self.text(directory, "report.css")
        var languages: [String: ReportLanguage] = [:]
        for file in try Self.list(directory + "/locales") where file.hasSuffix(".yaml") {
            let path = "locales/" + file
            let language = try ReportLanguage(yaml: try Self.text(directory, path), file: "\(directory)/\(path)")
            languages[String(file.dropLast(".yaml".count))] = language
        }
        self.languages = languages
    }

    /// The codes of the languages there are.
    package var languageCodes: [String] { languages.keys.sorted() }

    /// A language by its code, `en` or `de`.
    package func language(_ code: String) throws(ReportError) -> ReportLanguage {
        guard let language = languages[code] else {
            throw ReportError(
                .unknownFormat,
                "there is no language \(code); there are \(languageCodes.joined(separator: ", ")): "
                    + "\(directory)/locales/\(code).yaml would add it")
        }
        return language
    }

    /// Fills a template. `{{t.…}}` are the labels of the language, `{{{css}}}` is the style sheet; `head.mustache` wants
    /// `title`, `language` and `direction` besides.
    package func render(
        _ name: String, _ fields: TemplateFields, in language: ReportLanguage, title: String
    ) throws(ReportError) -> String {
        guard sources[name] != nil else {
            throw ReportError(
                .invalidTemplate, "\(directory)/\(name).mustache is missing: put it back from the package")
        }
        fields.text("title", title)
        fields.text("language", language.code)
        fields.text("direction", language.direction.rawValue)
        fields.markup("css", styleSheet)
        let labels = TemplateFields()
        for label in ReportLabel.allCases { labels.text(label.rawValue, language[label]) }
        fields.part("t", labels)
        try check(name, names: fields.names, checked: [])
        guard let text = library.render(fields, withTemplate: name) else {
            throw ReportError(
                .invalidTemplate, "\(directory)/\(name).mustache is missing: put it back from the package")
        }
        return text
    }

    private func check(_ name: String, names: Set<String>, checked: Set<String>) throws(ReportError) {
        guard let source = sources[name], !checked.contains(name) else { return }
        for tag in TemplateTags(source).tags {
            switch tag.kind {
            case .partial:
                try check(tag.name, names: names, checked: checked.union([name]))
            case .field:
                for part in tag.name.split(separator: ".") where !names.contains(String(part)) {
                    throw ReportError(
                        .invalidTemplate,
                        "\(directory)/\(name).mustache:\(tag.line): this report has no field \(tag.name)")
                }
            }
        }
    }

    // MARK: Files

    private static func list(_ directory: String) throws(ReportError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ReportError(
                .invalidTemplate, "\(directory) can not be read: give a folder with templates, report.css and locales/")
        }
    }

    private static func text(_ directory: String, _ file: String) throws(ReportError) -> String {
        let path = directory + "/" + file
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ReportError(.invalidTemplate, "\(path) can not be read: put it back from the package")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ReportError(.invalidTemplate, "\(path) is not UTF-8: save it as such")
        }
        return text
    }

    private static func unreadable(
        _ path: String, _ source: String, _ error: MustacheTemplate.ParserError
    ) -> ReportError {
        let reason =
            switch error.error as? MustacheTemplate.Error {
            case .sectionCloseNameIncorrect: "a section is closed by another name than it was opened by"
            case .unfinishedName: "a tag is not closed by }}"
            case .expectedSectionEnd: "a section is not closed by {{/name}}"
            default: "\(error.error)"
            }
        let context = error.context
        let line = context.line.isEmpty ? "" : ": \(context.line.prefix(80))"
        return ReportError(.invalidTemplate, "\(path):\(context.lineNumber):\(context.columnNumber): \(reason)\(line)")
    }
}
