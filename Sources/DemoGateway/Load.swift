import NIOHTTP1
import Synchronization

/// Sends a known number of requests and counts what came back: the truth that metering is compared with.
package final class Load: Sendable {
    private struct State {
        var outcomes: [String: LoadOutcome] = [:]
        var isStopped = false
    }

    private let plans: [LoadPlan]
    private let state: Mutex<State>

    package init(_ plans: [LoadPlan]) {
        self.plans = plans
        var outcomes: [String: LoadOutcome] = [:]
        for plan in plans { outcomes[plan.tenant] = LoadOutcome() }
        state = Mutex(State(outcomes: outcomes))
    }

    /// What has become of the requests up to now, by tenant.
    package var outcomes: [String: LoadOutcome] { state.withLock(\.outcomes) }

    /// Starts no more requests; those on their way are waited for, and `run` returns.
    package func stop() { state.withLock { $0.isStopped = true } }

    /// Sends all the plans' requests, all plans at the same time, and returns what became of them, by tenant.
    ///
    /// When the task is cancelled, requests on their way count as unanswered. `stop()` waits for them.
    @discardableResult
    package func run() async -> [String: LoadOutcome] {
        await withTaskGroup { group in
            for plan in plans {
                let turns = Turns(plan)
                for _ in 0..<min(plan.connections, plan.requests) {
                    group.addTask { await self.sendInTurn(plan, turns) }
                }
            }
        }
        return outcomes
    }

    /// Takes requests of the plan until there are none left, on one connection after another.
    private func sendInTurn(_ plan: LoadPlan, _ turns: Turns) async {
        while await takeUp(plan, turns) {
            if let error = await connectPatiently(plan, { await self.sendOnOneConnection(plan, turns, &$0) }) {
                record(plan) { outcome in
                    outcome.unsent += 1
                    outcome.failures[String(describing: error), default: 0] += 1
                }
            }
        }
    }

    /// Sends the request taken up, and as many more as the plan has for a connection.
    private func sendOnOneConnection(_ plan: LoadPlan, _ turns: Turns, _ connection: inout HTTPConnection) async {
        record(plan) { $0.connections += 1 }
        for number in 1...plan.requestsPerConnection {
            if number > 1 {
                guard await takeUp(plan, turns) else { return }
            }
            let request = HTTPConnection.Request(
                method: plan.requestBodyBytes > 0 ? .POST : .GET, path: plan.path, host: plan.tenant,
                bodyBytes: plan.requestBodyBytes, isLast: number == plan.requestsPerConnection
            )
            do {
                let response = try await connection.send(request)
                record(plan) { $0.answeredByStatus[response.status, default: 0] += 1 }
                if !response.keepsAlive { return }
            } catch {
                record(plan) { outcome in
                    outcome.unanswered += 1
                    outcome.failures[String(describing: error), default: 0] += 1
                }
                return
            }
        }
    }

    /// Connects, again and again within the plan's patience, and runs the body. Returns why there was no connection.
    private func connectPatiently(
        _ plan: LoadPlan, _ body: (inout HTTPConnection) async -> Void
    ) async -> (any Error)? {
        let deadline = ContinuousClock.now + plan.connectPatience
        while true {
            var isConnected = false
            do {
                try await HTTPConnection.withConnection(port: plan.port) { connection in
                    isConnected = true
                    await body(&connection)
                }
                return nil
            } catch {
                // The body has counted its requests: a failure to close changes nothing.
                if isConnected { return nil }
                if ContinuousClock.now >= deadline || Task.isCancelled { return error }
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private func takeUp(_ plan: LoadPlan, _ turns: Turns) async -> Bool {
        guard !Task.isCancelled, !state.withLock(\.isStopped), let turn = turns.next() else { return false }
        if let start = turn.start {
            do { try await Task.sleep(until: start, clock: .continuous) } catch { return false }
            if state.withLock(\.isStopped) { return false }
        }
        record(plan) { $0.started += 1 }
        return true
    }

    private func record(_ plan: LoadPlan, _ change: (inout LoadOutcome) -> Void) {
        state.withLock { change(&$0.outcomes[plan.tenant, default: LoadOutcome()]) }
    }
}

/// Gives each request of a plan to one connection, and says when it may start.
private final class Turns: Sendable {
    struct Turn {
        /// Nil for at once.
        var start: ContinuousClock.Instant?
    }

    private struct State {
        var taken = 0
        var nextStart = ContinuousClock.now
    }

    private let state = Mutex(State())
    private let requests: Int
    private let interval: Duration?

    init(_ plan: LoadPlan) {
        requests = plan.requests
        interval = plan.requestsPerSecond.map { .seconds(1) / max(1, $0) }
    }

    /// The next request's turn; nil when none is left. What an outage held up is not caught up with: the rate is a
    /// maximum.
    func next() -> Turn? {
        state.withLock { state in
            guard state.taken < requests else { return nil }
            state.taken += 1
            guard let interval else { return Turn() }
            let start = max(state.nextStart, .now)
            state.nextStart = start + interval
            return Turn(start: start)
        }
    }
}
