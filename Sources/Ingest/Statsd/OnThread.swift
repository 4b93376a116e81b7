internal import Foundation

/// Runs a body that blocks on a thread of its own, and waits for it without blocking one of the tasks'.
func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        let thread = Thread {
            body()
            continuation.resume()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }
}
