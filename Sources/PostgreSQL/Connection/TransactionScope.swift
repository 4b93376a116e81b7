/// What every transaction that a task begins has in common: settings that hold inside it, and a last statement before
/// its COMMIT. A task inherits them from the task that made it.
///
/// A server wraps a request in them, so that row-level security knows the request's tenant in each transaction, and
/// nothing can be read outside of one.
package enum TransactionScope {
    /// A `SET LOCAL` right after BEGIN, in a message of its own (distributed servers need it so).
    package struct Setting: Sendable {
        let name: StaticString
        let value: Int64

        /// - Parameter name: of the server's setting: `waybill.tenant`.
        package init(_ name: StaticString, _ value: Int64) {
            self.name = name
            self.value = value
        }

        var statement: String { "SET LOCAL \(name) = '\(value)'" }
    }

    @TaskLocal package static var settings: [Setting] = []

    /// Runs before COMMIT in each transaction that may write; its error rolls the transaction back.
    @TaskLocal package static var beforeCommit: (@Sendable (PostgresConnection) async throws -> Void)?
}
