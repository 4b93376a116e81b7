import Foundation
import Metering
import Testing

@testable import Ingest

/// The spool on a real file system.
@Suite struct DiskSpoolTests {
    private let key = OdometerKey(source: .statsd, gateway: "gw", instance: "a")

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "waybill-spool-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func sealing(_ value: Int64) -> [(key: OdometerKey, sealing: Odometer.Sealing)] {
        [(key, Odometer.Sealing(lastExport: Timestamp(seconds: value), sums: [.init(name: "http.a", value: value)]))]
    }

    @Test("A directory is one worker's")
    func lock() throws {
        try withDirectory { path in
            let files = try DiskSpoolFiles(path)
            #expect(throws: SpoolError.self) { _ = try DiskSpoolFiles(path) }
            _ = try files.names()
        }
    }

    @Test("What was sealed is there for the next process")
    func survives() throws {
        try withDirectory { path in
            var epoch: OdometerEpoch?
            do {
                let spool = try Spool(files: DiskSpoolFiles(path))
                for value in 1...5 as ClosedRange<Int64> {
                    try spool.seal({ sealing(value) }, all: { sealing(value) }, at: Timestamp(seconds: value))
                }
                epoch = spool.epoch
                spool.close()
            }
            let spool = try Spool(files: DiskSpoolFiles(path))
            #expect(spool.epoch == epoch)
            #expect(spool.recovery.odometers[key]?.sums == [.init(name: "http.a", value: 5)])
        }
    }

    /// Needs the right to mount: CI's containers have it as root.
    @Test("A file system without room says that it is full", .enabled(if: DiskSpoolTests.canMount))
    func full() throws {
        try withDirectory { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try #require(Self.run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path))
            defer { _ = Self.run("umount", path) }
            let spool = try Spool(files: DiskSpoolFiles(path))
            var found: SpoolError?
            var last: Int64 = 0
            let name = String(repeating: "n", count: 500)
            for value in 1...1000 as ClosedRange<Int64> {
                let entries = [
                    (
                        key,
                        Odometer.Sealing(
                            lastExport: Timestamp(seconds: value), sums: [.init(name: name + "\(value)", value: value)])
                    )
                ]
                do throws(SpoolError) {
                    try spool.seal({ entries }, all: { entries }, at: Timestamp(seconds: 1))
                    last = value
                } catch {
                    found = error
                    break
                }
            }
            #expect(found?.code == .full)
            spool.close()
            let taken = try Spool(files: ReadOnly(path))
            #expect(taken.recovery.odometers[key]?.sums.map(\.value).max() == last)
        }
    }

    private static let canMount = getuid() == 0 && run("unshare", "-m", "true")

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Reads a directory that another spool still holds.
    private struct ReadOnly: SpoolFiles {
        let path: String
        init(_ path: String) { self.path = path }

        func names() throws(SpoolError) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        }
        func read(_ name: String) throws(SpoolError) -> [UInt8] {
            FileManager.default.contents(atPath: path + "/" + name).map { [UInt8]($0) } ?? []
        }
        func make(_ name: String) throws(SpoolError) -> any SpoolFile { throw SpoolError(.failed, "read only") }
        func remove(_ name: String) throws(SpoolError) {}
        func sync() throws(SpoolError) {}
    }
}
