internal import CLibPQ
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Watches a connection's socket for as long as it is held.
final class SocketWatch: Sendable {
    enum Direction {
        case toRead, toWrite
    }

    // Dispatch sources are thread-safe; only their protocols do not say so.
    private nonisolated(unsafe) let source: any DispatchSourceProtocol

    /// - Parameter handler: called on `queue`, again and again while the socket is ready.
    init(
        _ handle: LibPQHandle, _ direction: Direction, on queue: DispatchQueue, handler: @escaping @Sendable () -> Void
    ) {
        let socket = PQsocket(handle.pointer)
        switch direction {
        case .toRead: source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        case .toWrite: source = DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
        }
        source.setEventHandler(handler: handler)
        // The socket must stay open until the source has let go of it.
        source.setCancelHandler { withExtendedLifetime(handle) {} }
        source.activate()
    }

    deinit {
        source.cancel()
    }
}

/// Waits once for a socket. Used while connecting, where libpq may change the socket between two steps.
enum SocketReadiness {
    /// Whether the other end of a socket is closed; bytes from before may still be there to read.
    static func peerIsGone(_ socket: Int32) -> Bool {
        var state = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) == 1 && state.revents & Int16(POLLHUP | POLLERR) != 0
    }

    /// Returns false when `deadline` came first. On return no dispatch source watches the socket any more.
    static func wait(
        _ socket: Int32, toRead: Bool, until deadline: DispatchTime, on queue: DispatchQueue,
        keeping handle: LibPQHandle
    ) async -> Bool {
        let isReady = Mutex(false)
        let source: any DispatchSourceProtocol =
            toRead
            ? DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
            : DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
        // Sources are thread-safe; only the protocol does not say so.
        nonisolated(unsafe) let shared = source
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                source.setEventHandler {
                    isReady.withLock { $0 = true }
                    shared.cancel()
                }
                source.setCancelHandler {
                    _ = handle
                    continuation.resume()
                }
                source.activate()
                queue.asyncAfter(deadline: deadline) { shared.cancel() }
            }
        } onCancel: {
            shared.cancel()
        }
        return isReady.withLock { $0 }
    }
}
