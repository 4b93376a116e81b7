/// Why a report could not be made: what was found, where (file, line, field), and what to do.
package struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String

        /// A template, style sheet or locale file that is missing or can not be read as what it must be.
        package static let invalidTemplate = Code(name: "invalidTemplate")
        /// A program that is needed is not installed.
        package static let missingProgram = Code(name: "missingProgram")
        /// A program that makes a rendering failed.
        package static let failedProgram = Code(name: "failedProgram")
        /// A format that the report does not have.
        package static let unknownFormat = Code(name: "unknownFormat")
        /// An amount or a count beyond the exact range.
        package static let overflow = Code(name: "overflow")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
