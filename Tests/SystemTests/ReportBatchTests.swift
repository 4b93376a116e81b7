import DemoGateway
import Foundation
import Testing

/// `waybill report invoices`: a folder with a file for each invoice of a month.
@Suite(.serialized)
struct ReportBatchTests {
    private static let month = "2026-10"
    private static let tenants = 12
    private static let canPrint = FileManager.default.isExecutableFile(atPath: "/usr/bin/weasyprint")

    @Test(.enabled(if: canPrint, "there is no weasyprint: run scripts/setup"))
    func `A batch that is killed leaves whole files alone, and the next one makes the others`() async throws {
        try await Self.withInvoices { database, folder in
            let command =
                ["report", "invoices", "--month", Self.month, "--format", "pdf", "-o", folder, "--jobs", "2"] + database
            let batch = try await ChildProcess.launch(Checkout.waybill, command, log: folder + ".log")
            try await wait(for: "some invoices are printed") {
                #expect(batch.exit == nil, "the batch was over before it was killed")
                return Self.files(folder).count >= 3
            }
            batch.send(SIGKILL)
            _ = await batch.ended()
            let before = Set(Self.files(folder))
            #expect(before.count < Self.tenants)
            let times = try before.map { try Self.changed(folder + "/" + $0) }

            // What a printer leaves that was killed itself: no process has that number.
            let unfinished = try #require((1...Self.tenants).map(Self.file).last { !before.contains($0) })
            try Data("%PDF-".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(unfinished).99999999.part"))
            // The killed one's printers ended their last page.
            let said = try #require(
                try await Self.said(command).firstMatch(of: #/(\d+) written, (\d+) were there\n$/#))
            let (written, kept) = (try #require(Int(said.1)), try #require(Int(said.2)))
            #expect(written > 0 && (before.count...before.count + 2).contains(kept) && written + kept == Self.tenants)
            let after = Self.files(folder)
            #expect(after.count == Self.tenants)
            for file in after {
                let pdf = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + file))
                #expect(pdf.starts(with: Data("%PDF-".utf8)), "\(file)")
                #expect(pdf.suffix(8).firstRange(of: Data("%%EOF".utf8)) != nil, "\(file) is not whole")
            }
            #expect(try before.map { try Self.changed(folder + "/" + $0) } == times, "what was there is kept")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).count == Self.tenants, "no part is left")
        }
    }

    @Test
    func `Of one invoice the folder holds one file: the invoice's instead of its preview, and then the void one's`()
        async throws
    {
        try await Self.withInvoices { database, folder in
            let command = ["report", "invoices", "--month", Self.month, "--format", "text", "-o", folder] + database
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let preview = folder + "/tenant-1-\(Self.month)-preview.txt"
            let other = folder + "/notes.txt"
            for file in [preview, other] { try Data("x".utf8).write(to: URL(fileURLWithPath: file)) }
            #expect(try await Self.said(command).hasSuffix("\(Self.tenants) written, 1 replaced\n"))
            #expect(!FileManager.default.fileExists(atPath: preview))

            let number = try #require(Self.files(folder).first { $0.hasPrefix("INV-") }).split(separator: ".")[0]
            _ = try await Command.waybill(
                ["invoice", "void", String(number), "--reason", "wrong buyer"] + database
            ).succeeded()
            #expect(
                try await Self.said(command).hasSuffix(
                    "1 written, \(Self.tenants - 1) were there, 1 replaced\n"))
            let files = Set(Self.files(folder))
            #expect(files.contains("\(number)-void.txt"))
            #expect(!files.contains("\(number).txt"))
            #expect(files.count == Self.tenants + 1, "what is no report stays")
        }
    }

    @Test func `Tenants whose names differ only in what no file can be called have a file each`() async throws {
        let names = [
            "a/b", "a_b", "a:b", String(repeating: "n", count: 300) + "1", String(repeating: "n", count: 300) + "2",
        ]
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let database = ["--database-url", cluster.url]
                let rows = names.map { "\($0),edge,gateway,2026-10-03T12:00:00Z,requests,5" }
                let archive = folder + "/usage.csv"
                try ("tenant,gateway,service,quarter_hour,dimension,quantity\n" + rows.joined(separator: "\n") + "\n")
                    .write(toFile: archive, atomically: true, encoding: .utf8)
                _ = try await Command.waybill(
                    ["backfill", "propose", archive, "--name", "usage", "--reason", "test", "--allow-new"] + database
                ).succeeded()
                _ = try await Command.waybill(["backfill", "apply", "usage"] + database).succeeded()
                let reports = folder + "/previews"
                _ = try await Command.waybill(
                    [
                        "report", "invoices", "--month", Self.month, "--format", "text", "-o", reports, "--price-book",
                        Checkout.root + "/config/price-books/standard.yaml",
                    ] + database
                ).succeeded()
                #expect(Self.files(reports).count == names.count)
            }
        }
    }

    /// A database with a finalized invoice of each tenant, a base fee, and a folder to come.
    private static func withInvoices(_ body: (_ database: [String], _ folder: String) async throws -> Void) async throws
    {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let database = ["--database-url", cluster.url]
                let book = Checkout.root + "/config/price-books/standard.yaml"
                _ = try await Command.waybill(["price", "import", book] + database).succeeded()
                for number in 1...tenants {
                    _ = try await Command.waybill(["tenant", "add", "tenant-\(number)"] + database).succeeded()
                    _ = try await Command.waybill(
                        [
                            "contract", "add", "--tenant", "tenant-\(number)", "--price-book", "standard", "--from",
                            "\(month)-01", "--zone", "UTC", "--seller", "Gateway Ltd", "--buyer", "Tenant \(number)",
                        ] + database
                    ).succeeded()
                }
                _ = try await Command.waybill(["invoice", "finalize"] + database).succeeded()
                try await body(database, folder + "/invoices")
            }
        }
    }

    /// What a command that succeeds tells its user.
    private static func said(_ arguments: [String]) async throws -> String {
        let command = try await Command.waybill(arguments)
        _ = try command.succeeded()
        return command.diagnostics
    }

    private static func file(_ number: Int) -> String {
        "INV-2026-" + String(repeating: "0", count: 6 - String(number).count) + "\(number).pdf"
    }

    private static func files(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasSuffix(".part") }
            .sorted()
    }

    private static func changed(_ file: String) throws -> Date? {
        try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
    }
}
