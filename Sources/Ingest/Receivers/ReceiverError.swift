#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Why a receiver does not run. For the operator.
package struct ReceiverError: Error, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value { case addressInUse, cannotListen, tls }
        private let value: Value

        /// Another process listens on the address.
        package static let addressInUse = Code(value: .addressInUse)
        /// The address is none of this machine's, is not an address, or its port needs a privilege.
        package static let cannotListen = Code(value: .cannotListen)
        /// A certificate or key can not be used.
        package static let tls = Code(value: .tls)
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}

extension ReceiverError {
    /// - Parameter number: an errno.
    static func listening(
        _ what: String, _ place: MetricsServiceReceiver.BoundAddress, _ number: Int32
    ) -> ReceiverError {
        if number == EADDRINUSE {
            return ReceiverError(
                .addressInUse,
                "\(what) can not listen on \(place): another process does; stop it, or choose another port")
        }
        return ReceiverError(
            .cannotListen,
            "\(what) can not listen on \(place): \(String(cString: strerror(number))); give an address of this machine")
    }
}
