import Metering
import Testing

/// A backfill's file is taken as a whole or not at all.
@Suite struct BackfillFileTests {
    private static let header = "tenant,gateway,service,quarter_hour,dimension,quantity\n"
    private static let now = Timestamp(seconds: 1_793_491_200)

    private func read(_ text: String) throws -> [BackfillRow] {
        try BackfillFile.read(Array(text.utf8), file: "usage.csv", now: Self.now)
    }

    @Test func `Columns come in any order, fields may be quoted, and rows of 0 are left out`() throws {
        let rows = try read(
            "\u{FEFF}quantity,tenant,service,gateway,dimension,quarter_hour\r\n"
                + "12,\"a \"\"b\"\", c\",web,edge,requests,2026-10-03T12:15:00Z\r\n\n"
                + "0,x,web,edge,requests,2026-10-03T12:15:00Z\n-3,x,web,edge,sent_bytes,2026-10-03T12:15:00Z")
        #expect(rows.map(\.tenant) == ["a \"b\", c", "x"])
        #expect(rows.map(\.quantity) == [12, -3])
        #expect(rows.map(\.line) == [2, 5])
        #expect(rows.first?.quarterHour.description == "2026-10-03T12:15:00Z")
    }

    @Test(arguments: [
        ("acme,edge,web,2026-10-03T12:07:00Z,requests,1", "usage.csv:2: quarter_hour: 2026-10-03T12:07:00Z is not the"),
        ("acme,edge,web,yesterday,requests,1", "usage.csv:2: quarter_hour: found \"yesterday\""),
        ("acme,edge,web,2027-10-03T12:00:00Z,requests,1", "usage.csv:2: quarter_hour: 2027-10-03T12:00:00Z lies in"),
        (
            "acme,edge,web,2026-10-03T12:00:00Z,request,1",
            "usage.csv:2: dimension: found \"request\"; allowed: requests"
        ),
        ("acme,edge,web,2026-10-03T12:00:00Z,active_connections,1", "usage.csv:2: dimension: found"),
        ("acme,edge,web,2026-10-03T12:00:00Z,requests,1.5", "usage.csv:2: quantity: found \"1.5\""),
        ("acme,edge,web,2026-10-03T12:00:00Z,requests,99999999999999999999", "usage.csv:2: quantity"),
        (",edge,web,2026-10-03T12:00:00Z,requests,1", "usage.csv:2: tenant: found \"\""),
        ("acme,edge,web,2026-10-03T12:00:00Z,requests", "usage.csv:2: 5 fields, where 6 belong"),
        ("acme,edge,web,2026-10-03T12:00:00Z,requests,\"1", "usage.csv:2: a quoted field does not end"),
        ("", "usage.csv: there is no row that changes anything"),
    ])
    func `A wrong row is named with its line, field and reason`(row: String, message: String) throws {
        let error = #expect(throws: BackfillFile.Invalid.self) { try read(Self.header + row) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasSuffix("nothing was taken from the file") == true)
    }

    @Test func `Two rows for one quantity are refused with both lines`() throws {
        let row = "acme,edge,web,2026-10-03T12:00:00Z,requests,1\n"
        let error = #expect(throws: BackfillFile.Invalid.self) { try read(Self.header + row + row) }
        #expect(error?.description.hasPrefix("usage.csv:3:") == true)
        #expect(error?.description.contains("line 2") == true)
    }

    @Test func `All wrong rows are named at once`() throws {
        let row = "acme,edge,web,never,requests,x\n"
        let error = #expect(throws: BackfillFile.Invalid.self) { try read(Self.header + row + row) }
        #expect(error?.problems.count == 4)
    }

    @Test(arguments: [
        "tenant,gateway,service,quarter_hour,dimension\n", "tenant,gateway,service,quarter_hour,dimension,amount\n",
        "tenant,tenant,service,quarter_hour,dimension,quantity\n", "",
    ])
    func `A header that is not right is refused`(header: String) {
        #expect(throws: BackfillFile.Invalid.self) { try read(header) }
    }
}
