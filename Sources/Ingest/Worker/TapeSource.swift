import Metering
import UsageStore

/// A stream of readings that the commit loop looks after: one of an Envoy, or an odometer of the worker.
///
/// None of these calls may wait for a message that is being read.
protocol TapeSource: AnyObject, Sendable {
    var id: StreamID { get }
    /// Nil until the source has said who it is.
    var identity: StreamIdentity? { get }
    var hasEnded: Bool { get }
    /// Whether nothing more will come of it: it has ended, and what it read is stored or can never be.
    var isSpent: Bool { get }
    /// Readings held in memory.
    var heldReadings: Int { get }

    /// What is to be stored now; nil where there is nothing.
    func commit(at now: Timestamp) -> StreamCommit?
    func hasStored(_ stored: StoredStream)
    /// Another stream of the instance has begun: what comes from here on is kept apart.
    func mark()
}
