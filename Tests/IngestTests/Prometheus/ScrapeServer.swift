import Foundation
import Glibc
import Synchronization

/// An Envoy's statistics page on an address of loopback: answers each GET with its text.
final class ScrapeServer: Sendable {
    let port: Int
    private let descriptor: Int32
    private let state: Mutex<(text: String, scrapes: Int)>

    /// - Parameters:
    ///   - address: of 127.0.0.0/8.
    ///   - port: 0 takes a free one.
    init(address: String = "127.0.0.1", port: Int = 0, text: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        state = Mutex((text, 0))
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_port = UInt16(port).bigEndian
        own.sin_addr.s_addr = inet_addr(address)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        self.port = Int(UInt16(bigEndian: own.sin_port))
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in serve() }
    }

    var scrapes: Int { state.withLock { $0.scrapes } }

    func show(_ text: String) { state.withLock { $0.text = text } }

    /// Ends the thread too.
    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { break }
            var request = [UInt8](repeating: 0, count: 4096)
            _ = recv(connection, &request, request.count, 0)
            let text = state.withLock { state in
                state.scrapes += 1
                return state.text
            }
            let answer = Array(
                "HTTP/1.1 200 OK\r\ncontent-length: \(text.utf8.count)\r\nconnection: close\r\n\r\n\(text)".utf8)
            _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
            Glibc.close(connection)
        }
        Glibc.close(descriptor)
    }
}
