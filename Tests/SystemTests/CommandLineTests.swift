import DemoGateway
import Foundation
import Testing

/// What `waybill` says of a wrong use and of a place where it can not work.
@Suite struct CommandLineTests {
    @Test(
        "A settings file is read strictly",
        arguments: [
            ("data_dir: /tmp/x\ncomit_interval: 5s\n", ":2:", "comit_interval", "allowed here: data_dir, database_url"),
            ("commit_interval: soon\n", "", "commit_interval is soon", "10s, 500ms"),
            ("meters: [a, b\n", ":", "", ""),
        ])
    func settings(_ text: String, _ line: String, _ what: String, _ remedy: String) async throws {
        try await withFolder { folder in
            let file = folder + "/waybill.yaml"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            let command = try await Command.waybill("serve", "--config", file)
            #expect(command.exit == .code(2))
            #expect(command.output == "")
            #expect(line.isEmpty || command.diagnostics.contains(file + line), "\(command.diagnostics)")
            for part in [what, remedy] where !part.isEmpty {
                #expect(command.diagnostics.contains(part), "\(command.diagnostics)")
            }
        }
    }

    @Test(
        "A wrong use ends with 2 and names what is wrong",
        arguments: [
            (["serve", "--frobnicate"], "--frobnicate"),
            (["serve", "--data-dir", "/tmp/x", "--database-url", "host=/x"], "--data-dir and --database-url"),
            (["serve", "--database-url", "postgres://u:secret@h/db"], "WAYBILL_DATABASE_URL or PGPASSFILE"),
            (["serve", "--database-url", "host=/x", "--roles", "ingest,bill"], "bill is not one of ingest, aggregate"),
            (["serve", "--database-url", "host=/x", "--grpc-listen", "0.0.0.0:4317"], "--grpc-listen 0.0.0.0:4317"),
            (["serve", "--database-url", "host=/x", "--commit-interval", "soon"], "--commit-interval"),
            (["serve", "--database-url", "host=/x", "--meters", "/nowhere.yaml"], "--meters /nowhere.yaml"),
            (["usage", "--tenant", "acme", "--month", "2026-13"], "2026-13"),
            (["usage", "--month", "2026-11"], "--tenant"),
        ])
    func wrongUse(_ arguments: [String], _ what: String) async throws {
        let command = try await Command.waybill(arguments)
        #expect(command.exit == .code(2))
        #expect(command.diagnostics.contains(what), "\(command.diagnostics)")
        #expect(!command.diagnostics.contains("secret"))
        #expect(command.output == "")
    }

    @Test("A database that can not be reached is named, without its password")
    func unreachableDatabase() async throws {
        let port = try await FreePorts.find(1)[0]
        let url = "WAYBILL_DATABASE_URL=postgres://billing:secret@127.0.0.1:\(port)/usage"
        let command = try await Command.run("/usr/bin/env", [url, Checkout.waybill, "serve"])
        #expect(command.exit == .code(1))
        #expect(command.diagnostics.contains("can not connect to PostgreSQL"), "\(command.diagnostics)")
        #expect(command.diagnostics.contains(String(port)), "\(command.diagnostics)")
        #expect(!command.diagnostics.contains("secret"), "\(command.diagnostics)")
    }
}
