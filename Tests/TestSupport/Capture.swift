import Foundation

/// The payloads of a capture in Tests/Fixtures/envoy: gzipped frames of a big-endian length and so many bytes.
package enum Capture {
    struct Unreadable: Error { let file: String }

    /// A gzipped file of Tests/Fixtures/envoy, unpacked.
    package static func bytes(_ file: String) throws -> [UInt8] {
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/envoy/\(file)")
        let gunzip = Process()
        gunzip.executableURL = URL(filePath: "/bin/gzip")
        gunzip.arguments = ["-dc", url.path]
        let output = Pipe()
        gunzip.standardOutput = output
        try gunzip.run()
        let bytes = [UInt8](try output.fileHandleForReading.readToEnd() ?? Data())
        gunzip.waitUntilExit()
        guard gunzip.terminationStatus == 0 else { throw Unreadable(file: file) }
        return bytes
    }

    package static func payloads(_ file: String) throws -> [[UInt8]] {
        let bytes = try bytes(file)
        var payloads: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw Unreadable(file: file) }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4 + length else { throw Unreadable(file: file) }
            payloads.append(Array(rest.dropFirst(4).prefix(length)))
            rest = rest.dropFirst(4 + length)
        }
        return payloads
    }
}
