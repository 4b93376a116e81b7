internal import Dispatch

/// Runs an actor's jobs on a dispatch queue of its own, so that the handlers of dispatch sources on that queue are
/// inside the actor. (`DispatchSerialQueue` is not to be had on Linux.)
final class ConnectionExecutor: SerialExecutor {
    let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
