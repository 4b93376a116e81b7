import ArgumentParser
import DemoGateway
import Foundation
import Logging
import UnixSignals

/// `waybill demo`: the whole way of the data, from a real Envoy to a bill, in one command.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Go from a real Envoy to a bill, on this machine.",
        discussion: """
            Starts a private PostgreSQL, `waybill serve` and an Envoy with three tenants, sends a known number of \
            requests, and shows what was metered and billed, and what a load balancer would have cost.
            Envoy is looked for in WAYBILL_ENVOY and PATH. Without one a capture of a real Envoy is replayed.
            """)

    @Option(help: ArgumentHelp("Requests per tenant, times 1, 2 and 4.", valueName: "count"))
    var requests = 900

    @Flag(help: "Keep everything running afterwards, until Ctrl-C.")
    var keep = false

    @Option(
        help: ArgumentHelp("Where the database lies; a folder that is removed again unless given.", valueName: "dir"))
    var dataDir: String?

    @Option(help: ArgumentHelp("Where invoice, usage and savings report are left as files.", valueName: "dir"))
    var reports = NSTemporaryDirectory() + "waybill-demo-reports"

    func run() async throws {
        guard (1...1_000_000).contains(requests) else {
            throw CommandError(.usage, "--requests \(requests): give a number from 1 to 1000000")
        }
        let folder = try DemoFolder(dataDir)
        defer { folder.remove() }
        let demo = Demo(folder: folder, requests: requests, keeps: keep, reports: reports)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await demo.run() }
                group.addTask {
                    // Ctrl-C ends the demo in order: everything that was started is stopped and removed.
                    for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { throw CancellationError() }
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
            Console.clearProgress()
            Console.write("stopped; nothing is left behind")
            throw ExitCode(128 + SIGINT)
        } catch let error as DemoGatewayError {
            throw CommandError(.failure, error.description)
        }
    }
}

/// Where the demo works: the database, logs and the Envoy's files.
struct DemoFolder {
    let path: String
    private let isTemporary: Bool

    init(_ given: String?) throws {
        isTemporary = given == nil
        path = given ?? NSTemporaryDirectory() + "waybill-demo-\(UInt32.random(in: 0...UInt32.max))"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandError(.failure, "\(path) can not be made: \(error.localizedDescription)")
        }
    }

    func remove() {
        if isTemporary { try? FileManager.default.removeItem(atPath: path) }
    }
}
