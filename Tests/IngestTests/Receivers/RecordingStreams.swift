import Ingest
import Synchronization

/// Keeps what a receiver hands over.
final class RecordingStreams: MetricsServiceStreams {
    struct Record: Sendable {
        let peer: String
        var messages: [[UInt8]] = []
        var times: [Int64] = []
        /// How many calls of `receive` ran at once, at most.
        var atOnce = 0
        var running = 0
        var end: MetricsStreamEnd?
    }

    private let state = Mutex<[Record]>([])
    private let allowed = Mutex<[[Bool]]>([])
    private let onReceive: @Sendable ([UInt8]) async throws -> Void
    /// One element for each stream that has ended.
    let ends: AsyncStream<MetricsStreamEnd>
    private let ended: AsyncStream<MetricsStreamEnd>.Continuation

    init(onReceive: @escaping @Sendable ([UInt8]) async throws -> Void = { _ in }) {
        self.onReceive = onReceive
        (ends, ended) = AsyncStream.makeStream()
    }

    /// Whether each stream might speak for gw-eu and for gw-us.
    var permissions: [[Bool]] { allowed.withLock { $0 } }

    /// In the order of their opening.
    var records: [Record] { state.withLock { $0 } }

    func open(peer: String, mayMeter: @escaping @Sendable (String) -> Bool) async -> any MetricsStream {
        allowed.withLock { $0.append(["gw-eu", "gw-us"].map(mayMeter)) }
        return state.withLock {
            $0.append(Record(peer: peer))
            return RecordingStream(streams: self, index: $0.count - 1)
        }
    }

    private func change(_ index: Int, _ body: (inout Record) -> Void) {
        state.withLock { body(&$0[index]) }
    }

    private struct RecordingStream: MetricsStream {
        let streams: RecordingStreams
        let index: Int

        func receive(_ message: [UInt8], receivedAt microseconds: Int64) async throws {
            streams.change(index) {
                $0.running += 1
                $0.atOnce = max($0.atOnce, $0.running)
            }
            defer { streams.change(index) { $0.running -= 1 } }
            try await streams.onReceive(message)
            streams.change(index) {
                $0.messages.append(message)
                $0.times.append(microseconds)
            }
        }

        func end(_ cause: MetricsStreamEnd) async {
            streams.change(index) { $0.end = cause }
            streams.ended.yield(cause)
        }
    }
}

extension MetricsStreamEnd {
    /// The case's name.
    var name: String {
        switch self {
        case .closedByPeer: "closedByPeer"
        case .lost: "lost"
        case .refused: "refused"
        case .shuttingDown: "shuttingDown"
        }
    }
}
