import ArgumentParser
import Reports

/// How and where a report is written.
struct ReportOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The file; stdout unless given.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("The language of what people read: en, de.", valueName: "code"))
    var language = "en"

    @Option(
        help: ArgumentHelp(
            "A folder with templates, style sheet and locales of your own; reports/ unless given.", valueName: "dir"))
    var templates: String?
}
