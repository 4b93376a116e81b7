/// A failure of the demo's gateway, its upstream or its load.
package struct DemoGatewayError: Error, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private let name: String

        /// No Envoy was found; the message says where it was looked for.
        package static let envoyNotFound = Code(name: "envoy_not_found")
        /// A process could not be started.
        package static let launchFailed = Code(name: "launch_failed")
        /// Envoy ended, or was not ready in time; the message has the end of its log.
        package static let envoyNotReady = Code(name: "envoy_not_ready")
        /// Envoy is not running, or runs already.
        package static let wrongState = Code(name: "wrong_state")
        /// Envoy's admin interface gave another answer than 200.
        package static let adminRefused = Code(name: "admin_refused")
        /// A placeholder of the bootstrap template has no value.
        package static let badTemplate = Code(name: "bad_template")
        /// No loopback port could be had.
        package static let noFreePort = Code(name: "no_free_port")
        /// A connection ended before the answer was whole.
        package static let noAnswer = Code(name: "no_answer")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
