import Metering
import Synchronization
import UsageStore

/// Answers of months, each with the state of the database that it was read in.
///
/// A month that is asked for again is answered by the kept bytes only where the database says, in a transaction of that very
/// request, that nothing was committed since; else it is read afresh. So an answer is never older than one that was read
/// now, and without the database there is none.
final class MonthMemory: Sendable {
    /// All that an answer depends on beside the database. Of whom rights depend on, too: what a tenant's role may see is
    /// kept apart from what an operator's may.
    struct Question: Hashable, Sendable {
        /// Nil for an operator.
        let principal: Int64?
        let tenant: String
        let month: String
        let zone: String
        let grouping: Set<UsageGrouping>
    }

    struct Kept: Sendable {
        let answer: Answer
        let state: DatabaseState
        let asOf: Timestamp
    }

    /// Bytes of bodies that are kept; above it all are forgotten. An answer that takes too much of it is not kept.
    static let most = 8 << 20
    static let mostOfOne = 256 << 10
    /// What an entry takes beside its body.
    private static let overhead = 1 << 10

    private let state = Mutex((kept: [Question: Kept](), bytes: 0))

    func kept(_ question: Question) -> Kept? { state.withLock { $0.kept[question] } }

    func keep(_ kept: Kept, for question: Question) {
        let size = Self.size(kept)
        guard size <= Self.mostOfOne else { return }
        state.withLock { state in
            if let before = state.kept.removeValue(forKey: question) { state.bytes -= Self.size(before) }
            if state.bytes + size > Self.most { state = ([:], 0) }
            state.kept[question] = kept
            state.bytes += size
        }
    }

    /// How many are kept, and in how many bytes.
    var size: (entries: Int, bytes: Int) { state.withLock { ($0.kept.count, $0.bytes) } }

    private static func size(_ kept: Kept) -> Int { kept.answer.body.count + overhead }
}
