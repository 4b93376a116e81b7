import Synchronization

@testable import Ingest

/// A spool directory in memory. It knows what is on the disk and what only in the kernel's memory, and dies at a chosen
/// call: of a write under way any part may have got through.
final class FaultySpoolFiles: SpoolFiles {
    enum Fault: Sendable {
        /// The process and the machine die at this call: what was not synced is lost, but for a part of it.
        case crash(keeping: Int)
        /// This call fails, and those after it succeed.
        case full
        case syncFails
    }

    private struct State {
        var files: [String: [UInt8]] = [:]
        var durable: [String: [UInt8]] = [:]
        var calls = 0
        var fault: (call: Int, fault: Fault)?
        var isDead = false
    }

    private let state: Mutex<State>

    init(_ durable: [String: [UInt8]] = [:]) {
        state = Mutex(State(files: durable, durable: durable))
    }

    func fail(at call: Int, _ fault: Fault) { state.withLock { $0.fault = (call, fault) } }

    /// What a process finds after a crash.
    var onDisk: [String: [UInt8]] { state.withLock { $0.durable } }
    var calls: Int { state.withLock { $0.calls } }

    func names() throws(SpoolError) -> [String] { state.withLock { $0.files.keys.sorted() } }

    func read(_ name: String) throws(SpoolError) -> [UInt8] { state.withLock { $0.files[name] ?? [] } }

    func make(_ name: String) throws(SpoolError) -> any SpoolFile {
        try call { state in state.files[name] = [] }
        return File(name: name, files: self)
    }

    func remove(_ name: String) throws(SpoolError) {
        try call { state in
            state.files[name] = nil
            state.durable[name] = nil
        }
    }

    func sync() throws(SpoolError) { try call(isSync: true) { _ in } }

    private final class File: SpoolFile {
        let name: String
        let files: FaultySpoolFiles

        init(name: String, files: FaultySpoolFiles) {
            self.name = name
            self.files = files
        }

        func append(_ bytes: [UInt8]) throws(SpoolError) {
            try files.call(partly: { state, kept in
                state.files[self.name, default: []] += bytes.prefix(kept)
                state.durable[self.name] = state.files[self.name]
            }) { state in state.files[self.name, default: []] += bytes }
        }

        func sync() throws(SpoolError) {
            try files.call(isSync: true) { state in state.durable[self.name] = state.files[self.name] }
        }

        func close() {}
    }

    private func call(
        isSync: Bool = false, partly: ((inout State, Int) -> Void)? = nil, _ body: (inout State) -> Void
    ) throws(SpoolError) {
        let error = state.withLock { state -> SpoolError? in
            if state.isDead { return SpoolError(.failed, "the process is dead") }
            state.calls += 1
            guard let (at, fault) = state.fault, at == state.calls else {
                body(&state)
                return nil
            }
            switch fault {
            case .crash(let kept):
                partly?(&state, kept)
                state.isDead = true
                return SpoolError(.failed, "the process dies")
            case .full:
                partly?(&state, 5)
                return SpoolError(.full, "no room")
            case .syncFails:
                guard isSync else {
                    body(&state)
                    return nil
                }
                return SpoolError(.syncFailed, "the disk does not answer")
            }
        }
        if let error { throw error }
    }
}
