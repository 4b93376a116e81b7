/// What kept a system test from going on.
struct SystemTestError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Waits until the condition holds.
///
/// - Parameter what: what is waited for, for the error.
func wait(
    for what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw SystemTestError("waited \(limit) for this: \(what)") }
        try await Task.sleep(for: .milliseconds(50))
    }
}
