import Foundation
import Glibc

/// collectd's statsd plugin under the load that Waybill is given, in the same run.
enum Collectd {
    static let executable = ["/usr/sbin/collectd", "/usr/local/sbin/collectd"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// What it read and dropped; nil where there is no collectd.
    static func measure(rate: Int, seconds: Int) async throws -> String? {
        guard let executable else { return nil }
        let folder = "/tmp/waybill-collectd-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let port = try freePort()
        let configuration = """
            BaseDir "\(folder)"
            PIDFile "\(folder)/pid"
            Interval 10
            LoadPlugin statsd
            <Plugin statsd>
              Host "127.0.0.1"
              Port "\(port)"
            </Plugin>

            """
        try configuration.write(toFile: folder + "/collectd.conf", atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = ["-f", "-C", folder + "/collectd.conf"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let ended = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in ended.continuation.finish() }
        try process.run()
        let outcome: Result<String, any Error>
        do {
            outcome = .success(try await load(process.processIdentifier, port: port, rate: rate, seconds: seconds))
        } catch {
            outcome = .failure(error)
        }
        // It takes an interval to end in order, and has nothing to keep.
        kill(process.processIdentifier, SIGKILL)
        for await _ in ended.stream {}
        return try outcome.get()
    }

    private static func load(_ collectd: Int32, port: Int, rate: Int, seconds: Int) async throws -> String {
        for _ in 0..<100 where drops(port: port) == nil { try await Task.sleep(for: .milliseconds(50)) }
        guard drops(port: port) != nil else { throw BenchmarkError(description: "collectd does not listen on \(port)") }
        let before = processor(of: collectd)
        let load = try StatsdLoad(await BenchmarkClient.run(["statsd", "\(port)", "\(rate)", "\(seconds)"]))
        let used = processor(of: collectd) - before
        let dropped = drops(port: port) ?? 0
        return "\(load.linesPerSecond) lines/s sent, \(load.datagrams) datagrams; \(load.datagrams - dropped) read, "
            + "\(dropped) dropped; \(used * 100 / Int64(max(1, seconds)) / Int64(sysconf(Int32(truncatingIfNeeded: _SC_CLK_TCK)))) % of a core"
    }

    /// Datagrams that the kernel dropped for the socket on a port, by /proc/net/udp; nil where none listens.
    private static func drops(port: Int) -> Int64? {
        guard let table = try? String(contentsOfFile: "/proc/net/udp", encoding: .utf8) else { return nil }
        let wanted = ":" + String(port, radix: 16, uppercase: true)
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 2, fields[1].hasSuffix(wanted) else { continue }
            return fields.last.flatMap { Int64($0) }
        }
        return nil
    }

    /// User and system. Unit: clock ticks.
    private static func processor(of process: Int32) -> Int64 {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 12 ? (Int64(fields[11]) ?? 0) + (Int64(fields[12]) ?? 0) : 0
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw BenchmarkError(description: "there is no free UDP port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
