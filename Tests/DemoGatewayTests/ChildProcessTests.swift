import Foundation
import Testing

@testable import DemoGateway

@Suite struct ChildProcessTests {
    @Test(arguments: [("exit 0", ChildProcess.Exit.code(0)), ("exit 7", .code(7)), ("kill -9 $$", .signal(9))])
    func `says how a process ended`(script: String, expected: ChildProcess.Exit) async throws {
        try await withFolder { folder in
            let child = try await ChildProcess.launch("/bin/sh", ["-c", script], log: folder + "/log")
            #expect(await child.ended() == expected)
            #expect(child.exit == expected)
        }
    }

    @Test func `a signal reaches the whole group`() async throws {
        try await withFolder { folder in
            // The shell waits for a child of its own, which holds the log open as long as it lives.
            let child = try await ChildProcess.launch(
                "/bin/sh", ["-c", "sleep 600 & echo $! > '\(folder)/pid'; wait"], log: folder + "/log"
            )
            var grandchild = ""
            while !grandchild.hasSuffix("\n") {
                await Task.yield()
                grandchild = (try? String(contentsOfFile: folder + "/pid", encoding: .utf8)) ?? ""
            }
            child.send(SIGKILL)
            #expect(await child.ended() == .signal(SIGKILL))
            let status = "/proc/\(grandchild.trimmingCharacters(in: .whitespacesAndNewlines))/status"
            while let text = try? String(contentsOfFile: status, encoding: .utf8), !text.contains("State:\tZ") {
                await Task.yield()
            }
        }
    }

    @Test func `a program that is not there can not be started`() async throws {
        try await withFolder { folder in
            do {
                let child = try await ChildProcess.launch("/nonexistent/program", [], log: folder + "/log")
                // Through setpriv it starts, and ends with its code for a command that was not found.
                #expect(await child.ended() == .code(127))
            } catch let error as DemoGatewayError {
                #expect(error.code == .launchFailed)
            }
        }
    }
}
