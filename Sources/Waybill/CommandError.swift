/// What ends a command before its work is done: an exit code and a message for a person.
///
/// Exit codes: 0 done, 1 error, 2 usage, 3 metering incomplete, 4 verification failed, 5 conflict.
struct CommandError: Error {
    struct Code: Hashable, Sendable {
        let exitStatus: Int32

        static let failure = Code(exitStatus: 1)
        static let usage = Code(exitStatus: 2)
        static let incomplete = Code(exitStatus: 3)
        static let verification = Code(exitStatus: 4)
        static let conflict = Code(exitStatus: 5)
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
