import Metering
import Testing

@testable import UsageStore

/// Keys are chosen so that the same schema distributes: tapes by instance, consumption by tenant.
@Suite struct CatalogueTests {
    @Test(arguments: [
        ("tape", "instance_id"), ("epoch", "instance_id"), ("epoch_baseline", "instance_id"),
        ("stream_remark", "instance_id"), ("consumption", "tenant_id"), ("service", "tenant_id"),
        ("gap", "gateway_id"), ("unattributed", "gateway_id"), ("counter", "gateway_id"), ("counter_set", "gateway_id"),
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
                UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::text::regclass
                """, [table])
            #expect(found == [])
        }
    }

    @Test(arguments: ["tape", "consumption"])
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
