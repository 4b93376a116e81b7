import Foundation
import NIOCore
import NIOHTTP1

/// Envoy's admin interface on the loopback.
struct EnvoyAdmin: Sendable {
    struct ServerInfo: Equatable {
        var state: String
        var restartEpoch: Int
    }

    let port: Int

    @discardableResult
    func post(_ path: String) async throws -> String { try await ask(.POST, path) }

    func get(_ path: String) async throws -> String { try await ask(.GET, path) }

    func serverInfo() async throws -> ServerInfo {
        struct Body: Decodable {
            struct Options: Decodable { var restart_epoch: Int? }
            var state: String
            var command_line_options: Options
        }
        let body = try JSONDecoder().decode(Body.self, from: Data(try await get("/server_info").utf8))
        return ServerInfo(state: body.state, restartEpoch: body.command_line_options.restart_epoch ?? 0)
    }

    func stats(matching filter: String) async throws -> [String: Int] {
        let escaped = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? filter
        return Self.stats(inText: try await get("/stats?filter=\(escaped)"))
    }

    /// The connections that clients have open. The admin's own connection is not one of them.
    func openConnections() async throws -> Int {
        try await stats(matching: #"^(http|tcp)\..*downstream_cx_active$"#)
            .filter { !$0.key.hasPrefix("http.admin.") }
            .values.reduce(0, +)
    }

    /// Reads lines `name: value`. Histograms and text values are left out.
    static func stats(inText text: String) -> [String: Int] {
        var stats: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            // Names may hold colons; values do not.
            guard let colon = line.lastIndex(of: ":") else { continue }
            if let value = Int(line[line.index(after: colon)...].drop { $0 == " " }) {
                stats[String(line[..<colon])] = value
            }
        }
        return stats
    }

    private func ask(_ method: HTTPMethod, _ path: String) async throws -> String {
        let response = try await HTTPConnection.withConnection(port: port, timeout: .seconds(10)) { connection in
            try await connection.send(HTTPConnection.Request(method: method, path: path, isLast: true))
        }
        let body = String(buffer: response.body)
        guard response.status == 200 else {
            throw DemoGatewayError(.adminRefused, "Envoy's admin answered \(response.status) to \(path): \(body)")
        }
        return body
    }
}
