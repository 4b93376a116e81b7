import Foundation
import Metering
import TestSupport
import Testing

@testable import UsageStore

/// Keys are chosen so that the same schema distributes: tapes by instance, consumption by tenant.
@Suite struct CatalogueTests {
    @Test(arguments: [
        ("tape", "instance_id"), ("packed_tape", "instance_id"), ("epoch", "instance_id"),
        ("epoch_baseline", "instance_id"),
        ("stream_remark", "instance_id"), ("consumption", "tenant_id"), ("gap", "gateway_id"),
        ("unattributed", "gateway_id"),
    ])
    func `Every key of a distributed table holds the column that distributes it`(
        table: String, column: String
    ) async throws {
        try await withStore { store in
            let keys = try await store.names(
                """
                SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass AND indisunique
                """, [table])
            #expect(!keys.isEmpty)
            let without = try await store.names(
                """
                SELECT indexrelid::regclass::text FROM pg_index
                WHERE indrelid = $1::text::regclass AND indisunique AND NOT EXISTS (
                    SELECT FROM pg_attribute
                    WHERE attrelid = indrelid AND attnum = ANY(indkey::smallint[]) AND attname = $2::text
                )
                """, [table, column])
            #expect(without == [])
        }
    }

    @Test(arguments: ["tape", "consumption", "gap", "tape_change", "unattributed", "epoch", "epoch_baseline"])
    func `A hot table has no foreign key and no trigger`(table: String) async throws {
        try await withStore { store in
            let found = try await store.names(
                """
                SELECT conname::text FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'f'
                UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal
                """, [table])
            #expect(found == [])
        }
    }

    @Test(arguments: ["tape", "packed_tape", "consumption"])
    func `Tapes and consumption lie in monthly partitions`(table: String) async throws {
        try await withStore { store in
            var stream = Stream(1)
            stream.flush(at: .at(12, 1), requests: 1, started: .at(12, 0))
            stream.end()
            try await store.commit(&stream)
            let partitions = try await store.names(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass ORDER BY 1",
                [table])
            #expect(partitions == ["\(table)_2024_11", "\(table)_2024_12"])
        }
    }
}

/// The rules by which the same migrations run on distributed PostgreSQL.
@Suite struct GrowthTests {
    private struct Placement {
        var table: String
        /// Nil for a table that is everywhere whole.
        var column: String?
    }

    /// What migrations/citus.sql says, and nothing else may stand in it.
    private func layout() throws -> [Placement] {
        let text = try Shipped.text("migrations/citus.sql")
        return try text.split(separator: "\n").filter { !$0.hasPrefix("--") }.map { line in
            let names = line.split(separator: "'").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            let table = try #require(names.first)
            let isSpread = line.hasPrefix("SELECT create_distributed_table('\(table)', '")
            #expect(isSpread || line.hasPrefix("SELECT create_reference_table('\(table)')"))
            #expect(
                line.hasSuffix(
                    "WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = '\(table)'::regclass "
                        + "AND citus_table_type <> 'local');"))
            return Placement(table: table, column: isSpread ? names[1] : nil)
        }
    }

    @Test func `Every key of every spread table holds the column that spreads it`() async throws {
        let layout = try layout()
        #expect(layout.count >= 20)
        try await withStore { store in
            for placement in layout {
                let keys = try await store.number(
                    "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass AND indisunique",
                    [placement.table])
                #expect(keys > 0, "\(placement.table)")
                guard let column = placement.column else { continue }
                let without = try await store.names(
                    """
                    SELECT indexrelid::regclass::text FROM pg_index
                    WHERE indrelid = $1::text::regclass AND indisunique AND NOT EXISTS (
                        SELECT FROM pg_attribute
                        WHERE attrelid = indrelid AND attnum = ANY(indkey::smallint[]) AND attname = $2::text
                    )
                    """, [placement.table, column])
                #expect(without == [], "\(placement.table)")
            }
        }
    }

    @Test func `No spread table has a foreign key to one that is not spread alike, and no trigger`() async throws {
        let layout = try layout()
        let spread = Dictionary(uniqueKeysWithValues: layout.map { ($0.table, $0.column) })
        try await withStore { store in
            let keys = try await store.names(
                """
                SELECT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint
                WHERE contype = 'f' AND conparentid = 0 ORDER BY 1
                """)
            for key in keys {
                let ends = key.split(separator: " ").map(String.init)
                guard let column = spread[ends[0]] else { continue }
                let other = try #require(spread[ends[1]], "\(key): the other table is on the coordinator")
                #expect(other == nil || other == column, "\(key)")
            }
            for placement in layout where placement.column != nil {
                let triggers = try await store.names(
                    "SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal",
                    [placement.table])
                #expect(triggers == [], "\(placement.table)")
            }
        }
    }

    @Test func `The constraints of partitioned tables that are spread have names of their own`() async throws {
        try await withStore { store in
            let unnamed = try await store.names(
                """
                SELECT conname::text FROM pg_constraint
                WHERE conrelid = 'consumption_rollup'::regclass AND contype = 'c' AND conname LIKE '%check%'
                """)
            #expect(unnamed == [])
        }
    }

    /// Tables whose rows never change. Those with a trigger besides are found by it; those without one are named.
    @Test(arguments: ["waybill_ingest", "waybill_billing", "waybill_api", "waybill_audit"])
    func `What is only added to is so by privilege`(role: String) async throws {
        try await withStore { store in
            let isThere = try await store.number(
                "SELECT count(*) FROM pg_roles WHERE rolname = $1::text", [role])
            try #require(isThere == 1, "the migrations make the roles")
            let tables = try await store.names(
                """
                SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
                JOIN pg_class ON pg_class.oid = tgrelid
                WHERE NOT tgisinternal AND tgtype & 8 <> 0 AND relnamespace = current_schema()::regnamespace
                    AND (proname = 'refuse_change' OR tgname LIKE '%append_only%')
                UNION SELECT unnest(ARRAY['invoice_line', 'invoice_input', 'invoice_event', 'ledger_entry', 'audit_log'])
                ORDER BY 1
                """)
            #expect(tables.count >= 8)
            #expect(Set(["lb_price", "lb_definition", "price_book_version"]).isSubset(of: tables))
            for table in tables {
                for privilege in ["UPDATE", "DELETE", "TRUNCATE"] {
                    let may = try await store.number(
                        "SELECT has_table_privilege($1::text::name, $2, $3)::int", [role, table, privilege])
                    #expect(may == 0, "\(role) may \(privilege) \(table)")
                }
            }
        }
    }

    /// What a worker may do to tapes: it writes them, and never takes one away.
    @Test func `Workers add and raise tapes, and delete none`() async throws {
        try await withStore { store in
            let held = try await store.names(
                """
                SELECT relation || ' ' || privilege FROM unnest(ARRAY['tape', 'packed_tape', 'tapes', 'tape_change'])
                    AS relation, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
                WHERE has_table_privilege('waybill_ingest', relation, privilege) ORDER BY 1
                """)
            #expect(
                held == [
                    "tape INSERT", "tape SELECT", "tape UPDATE", "tape_change INSERT", "tape_change SELECT",
                    "tapes SELECT",
                ])
        }
    }

    @Test(.enabled("the test server is no Citus coordinator: see docs/operating.md") { try await TestServer.isCitus() })
    func `On a coordinator each table lies as the layout says`() async throws {
        let layout = try layout()
        try await withStore { store in
            let found = try await store.names(
                """
                SELECT concat_ws(' ', table_name, NULLIF(distribution_column, '<none>')) FROM citus_tables
                WHERE citus_table_type <> 'local'
                """)
            let wanted = layout.map { [$0.table, $0.column].compactMap(\.self).joined(separator: " ") }
            #expect(found.sorted() == wanted.sorted())
        }
    }

    /// What the text shows of what Citus refuses: a change in a WITH of another change, and a value that is set by a clock
    /// of its own on each node. The rest is shown by these tests on a coordinator (docs/operating.md).
    @Test func `No statement changes two spread tables, or sets a spread table's value by the clock`() throws {
        let spread = Set(try layout().map { Substring($0.table) })
        for module in ["UsageStore", "Billing"] {
            for file in try FileManager.default.subpathsOfDirectory(atPath: Shipped.path("Sources/" + module))
            where file.hasSuffix(".swift") {
                let text = try Shipped.text("Sources/\(module)/\(file)")
                for literal in text.components(separatedBy: "\"\"\"").enumerated() where literal.offset % 2 == 1 {
                    let statement = literal.element
                    let changed = statement.matches(of: /(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)/).map(\.1)
                        .filter(spread.contains)
                    #expect(changed.count < 2, "\(file): \(changed.joined(separator: " and ")) in one statement")
                    guard let table = changed.first, let set = statement.range(of: " SET") else { continue }
                    let values = statement[set.upperBound...]
                    let assigned = values.range(of: "WHERE").map { values[..<$0.lowerBound] } ?? values
                    #expect(!assigned.contains("now()"), "\(file): \(table) is set by the clock")
                }
            }
        }
    }

    @Test func `No statement merges, and each is one`() throws {
        for file in try FileManager.default.subpathsOfDirectory(atPath: Shipped.path("Sources/UsageStore"))
            + FileManager.default.subpathsOfDirectory(atPath: Shipped.path("migrations"))
        {
            let isMigration = file.hasSuffix(".sql")
            guard isMigration || file.hasSuffix(".swift") else { continue }
            let text = try Shipped.text((isMigration ? "migrations/" : "Sources/UsageStore/") + file)
            #expect(!text.contains("MERGE INTO"), "\(file)")
            guard !isMigration else { continue }
            // A statement of the program ends with its literal: none has a second behind a semicolon.
            for literal in text.components(separatedBy: "\"\"\"").enumerated() where literal.offset % 2 == 1 {
                #expect(!literal.element.contains(";\n"), "\(file)")
            }
        }
    }
}
