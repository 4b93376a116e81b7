import FoundationEssentials
import TestSupport
import Testing

@testable import PostgreSQL

@Suite struct RoundTripTests {
    /// Sends a value, and receives it both as it is and as the server's own text.
    private func check<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ value: Value, _ sql: StaticString, text: String?
    ) async throws {
        try await TestServer.withConnection { connection in
            let row = try #require(try await connection.execute(sql, [value]).first)
            #expect(try row.decode("value", as: Value.self) == value)
            #expect(try row.decode("text", as: String?.self) == text)
        }
    }

    @Test(arguments: [(true, "true"), (false, "false")])
    func `A boolean comes back`(value: Bool, text: String) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: text)
    }

    @Test(arguments: [Int16.min, -1, 0, 1, .max])
    func `A smallint comes back`(value: Int16) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: String(value))
    }

    @Test(arguments: [Int32.min, -1, 0, 1, .max])
    func `An integer comes back`(value: Int32) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: String(value))
    }

    @Test(arguments: [Int64.min, -1, 0, 1, 1 << 53, .max])
    func `A bigint comes back`(value: Int64) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: String(value))
    }

    @Test(arguments: [(0.1, "0.1"), (-.greatestFiniteMagnitude, "-1.7976931348623157e+308"), (.infinity, "Infinity")])
    func `A double comes back`(value: Double, text: String) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: text)
    }

    @Test(arguments: [
        "", "plain", "it's \\ \"quoted\" $1 %", "Zürich 💡 e\u{301}", String(repeating: "long", count: 100_000),
    ])
    func `A text comes back`(value: String) async throws {
        try await check(value, "SELECT $1 AS value, $1 AS text", text: value)
    }

    @Test(arguments: [([], "\\x"), ([0, 255, 10], "\\x00ff0a"), ([UInt8](repeating: 0, count: 3), "\\x000000")])
    func `Bytes come back`(value: [UInt8], text: String) async throws {
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: text)
    }

    @Test(arguments: [
        (0, "1970-01-01 00:00:00+00"),
        (-1, "1969-12-31 23:59:59.999999+00"),
        (946_684_800_000_000, "2000-01-01 00:00:00+00"),
        (1_795_435_200_000_001, "2026-11-23 12:00:00.000001+00"),
        (Int64.max, "infinity"),
        (Int64.min, "-infinity"),
    ])
    func `A timestamp comes back`(microseconds: Int64, text: String) async throws {
        try await check(
            PostgresTimestamp(microsecondsSince1970: microseconds), "SELECT $1 AS value, $1::text AS text", text: text)
    }

    @Test(arguments: [Int64.min + 1, Int64.min + 946_684_800_000_000, -300_000_000_000_000_000])
    func `A timestamp that the server can not hold is refused, and not another one`(microseconds: Int64) async throws {
        try await TestServer.withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(
                    "SELECT $1::text", [PostgresTimestamp(microsecondsSince1970: microseconds)])
            }
            #expect(error?.sqlState == "22008")
        }
    }

    @Test func `A UUID comes back`() async throws {
        let value = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
        try await check(
            value, "SELECT $1 AS value, $1::text AS text", text: "00112233-4455-6677-8899-aabbccddeeff")
        try await check([value, value], "SELECT $1 AS value, $1[2]::text AS text", text: value.uuidString.lowercased())
    }

    @Test func `JSON comes back`() async throws {
        let value = PostgresJSON(#"{"a": [1, 2.50, "ü"]}"#)
        try await check(value, "SELECT $1 AS value, $1::text AS text", text: value.text)
        try await TestServer.withConnection { connection in
            let rows = try await connection.execute("SELECT '[1]'::json AS value")
            #expect(try rows[0].decode("value") == PostgresJSON("[1]"))
        }
    }

    @Test func `NULL of every type comes back`() async throws {
        try await check(Bool?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(Int16?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(Int32?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(Int64?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(Double?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(String?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check([UInt8]?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(UUID?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(PostgresJSON?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check(PostgresTimestamp?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
        try await check([Int64]?.none, "SELECT $1 AS value, $1::text AS text", text: nil)
    }

    @Test func `Arrays of every type come back, empty and full`() async throws {
        try await check([Int64](), "SELECT $1 AS value, $1::text AS text", text: "{}")
        try await check(
            [Int64.min, 0, .max], "SELECT $1 AS value, $1::text AS text", text: "{\(Int64.min),0,\(Int64.max)}")
        try await check([Int32.min, 7], "SELECT $1 AS value, $1::text AS text", text: "{-2147483648,7}")
        try await check([Int16.max], "SELECT $1 AS value, $1::text AS text", text: "{32767}")
        try await check([true, false], "SELECT $1 AS value, $1::text AS text", text: "{t,f}")
        try await check([0.5, -1], "SELECT $1 AS value, $1::text AS text", text: "{0.5,-1}")
        try await check(["", "a,b", "NULL"], "SELECT $1 AS value, $1::text AS text", text: #"{"","a,b","NULL"}"#)
        try await check(
            [[], [1, 2]] as [[UInt8]], "SELECT $1 AS value, $1::text AS text", text: #"{"\\x","\\x0102"}"#)
        try await check(
            [PostgresTimestamp(microsecondsSince1970: 0)], "SELECT $1 AS value, $1::text AS text",
            text: #"{"1970-01-01 00:00:00+00"}"#)
        try await check(
            [PostgresJSON("1"), PostgresJSON("{}")], "SELECT $1 AS value, $1::text AS text", text: "{1,\"{}\"}")
    }

    @Test func `Arrays with NULLs come back`() async throws {
        try await check([1, nil, 3] as [Int64?], "SELECT $1 AS value, $1::text AS text", text: "{1,NULL,3}")
        try await check([nil, ""] as [String?], "SELECT $1 AS value, $1::text AS text", text: #"{NULL,""}"#)
        try await check([nil] as [[UInt8]?], "SELECT $1 AS value, $1::text AS text", text: "{NULL}")
        try await check([] as [Bool?], "SELECT $1 AS value, $1::text AS text", text: "{}")
        try await TestServer.withConnection { connection in
            let rows = try await connection.execute("SELECT ARRAY[1, NULL]::bigint[] AS value")
            #expect(throws: PostgresError.self) { try rows[0].decode("value", as: [Int64].self) }
        }
    }

    @Test func `A large array is one parameter`() async throws {
        let values = (0..<300_000).map { Int64($0) &* 0x1E37_79B9_7F4A_7C15 }
        try await TestServer.withConnection { connection in
            let rows = try await connection.execute("SELECT $1 AS same, cardinality($1) AS size", [values])
            #expect(try rows[0].decode("size", as: Int32.self) == 300_000)
            #expect(try rows[0].decode("same") == values)
        }
    }

    @Test func `Smaller numbers are read as larger ones, and nothing else`() async throws {
        try await TestServer.withConnection { connection in
            let row = try await connection.execute(
                "SELECT 1::int2 AS small, 2::int4 AS middle, 3::int8 AS large, 4.5 AS exact")[0]
            #expect(try row.decode("small", as: Int64.self) == 1)
            #expect(try row.decode("middle", as: Int64.self) == 2)
            #expect(throws: PostgresError.self) { try row.decode("large", as: Int32.self) }
            #expect(throws: PostgresError.self) { try row.decode("exact", as: Double.self) }
        }
    }

    @Test(arguments: [
        ("missing", "there is no column \"missing\"; there are: word, nothing"),
        ("word", "column \"word\", decoded as Int64, is of type text; cast it in the statement or decode another type"),
        ("nothing", "column \"nothing\", decoded as Int64, is NULL; decode it as an Optional"),
    ])
    func `What can not be decoded is named`(column: String, message: String) async throws {
        try await TestServer.withConnection { connection in
            let row = try await connection.execute("SELECT 'a'::text AS word, NULL::int8 AS nothing")[0]
            let error = #expect(throws: PostgresError.self) { try row.decode(column, as: Int64.self) }
            #expect(error?.code == .decoding)
            #expect(error?.message == message)
        }
    }

    @Test func `Bytes are read where they lie`() async throws {
        try await TestServer.withConnection { connection in
            let row = try await connection.execute("SELECT '\\x0102ff'::bytea AS bytes, NULL::bytea AS nothing")[0]
            let sum = try row.withBytes(0) { span in
                span.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } }
            }
            #expect(sum == 258)
            #expect(try row.withBytes(1) { $0.byteCount } == nil)
        }
    }

    @Test(
        arguments: [
            [], [0, 0, 0, 1], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 127, 255, 255, 255, 0, 0, 0, 1],
            [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1],
            [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0],
        ] as [[UInt8]])
    func `Bytes that are no array are refused`(bytes: [UInt8]) {
        #expect(throws: PostgresDecodingFailure.self) { try [Int64].decode(bytes.span.bytes, type: .int8Array) }
    }
}
