import Foundation
import Testing

/// The scripts beside the tests that compute the same from published rules, with the system's Python.
enum IndependentScript {
    static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// What `Fixtures/<name>` prints for a file with this text.
    static func run(_ name: String, on text: some Sequence<UInt8>) throws -> [String: Any] {
        let file = FileManager.default.temporaryDirectory.appending(path: "input-\(UUID().uuidString).json")
        try Data(text).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        let script = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
        process.arguments = ["-B", script.path, file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try object(answer)
    }

    static func object(_ json: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }
}
