import DemoGateway
import Synchronization

/// What a meter is that adds differences up: it knows each counter's last value for as long as its process lives, and
/// begins at 0. It sees the same counters as a worker, once a second, and dies when the worker dies. The total is kept,
/// as if in a database.
final class NaiveDeltaMeter: Sendable {
    private struct State {
        var isAlive = true
        var last: [String: Int] = [:]
        var totals: [String: Int] = [:]
    }

    private let envoy: EnvoyProcess
    private let state = Mutex(State())

    init(_ envoy: EnvoyProcess) { self.envoy = envoy }

    /// What it has counted, by tenant.
    var totals: [String: Int] { state.withLock(\.totals) }

    /// Its process dies, and with it what it remembers.
    func kill() {
        state.withLock { state in
            state.isAlive = false
            state.last = [:]
        }
    }

    func start() { state.withLock { $0.isAlive = true } }

    /// Reads the counters at each flush interval until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let stats = try? await envoy.stats(matching: #"^http\.tenant_[a-z]+\.downstream_rq_completed$"#)
            for (name, value) in stats ?? [:] { add(name, value) }
            try? await Task.sleep(for: envoy.settings.flushInterval)
        }
    }

    private func add(_ name: String, _ value: Int) {
        state.withLock { state in
            guard state.isAlive else { return }
            let last = state.last[name] ?? 0
            // It knows this much: a counter that falls has begun anew.
            let tenant = String(name.dropFirst("http.tenant_".count).prefix { $0 != "." })
            state.totals[tenant, default: 0] += value >= last ? value - last : value
            state.last[name] = value
        }
    }
}
