/// Why a spool can not be used. For the operator.
package struct SpoolError: Error, Hashable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value { case full, failed, syncFailed, inUse }
        private let value: Value

        /// There is no room on the disk. Tried again: what came is held in memory meanwhile.
        package static let full = Code(value: .full)
        /// A file can not be made, read or written.
        package static let failed = Code(value: .failed)
        /// The kernel could not bring what was written to the disk. It may have dropped it, and will not say so again:
        /// nothing that this process believes of the spool holds any more.
        package static let syncFailed = Code(value: .syncFailed)
        /// Another worker has the directory.
        package static let inUse = Code(value: .inUse)
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
