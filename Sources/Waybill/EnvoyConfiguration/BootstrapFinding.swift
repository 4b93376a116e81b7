/// A trap that an Envoy bootstrap walks into, with its place and the remedy.
struct BootstrapFinding: Encodable, Hashable {
    enum Severity: String, Encodable, Hashable {
        /// Requests go uncounted, are counted twice, or can not be told apart.
        case wrong
        /// Good to know; nothing is lost by it alone.
        case note
    }

    let severity: Severity
    /// A short name: `deltas`, `no_boot_id`, …
    let trap: String
    /// File and line.
    let place: String
    let found: String
    let remedy: String
}
