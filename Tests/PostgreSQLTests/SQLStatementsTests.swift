import Testing

@testable import PostgreSQL

@Suite struct SQLStatementsTests {
    @Test(
        arguments: [
            ("", []),
            (" ;; -- nothing\n/* ; */ ", []),
            ("SELECT 1", ["SELECT 1"]),
            ("SELECT 1;\n\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
            ("SELECT ';', 'it''s;', \"odd;name\"; SELECT 2", ["SELECT ';', 'it''s;', \"odd;name\"", "SELECT 2"]),
            (#"SELECT E'\';', 'plain\'; SELECT 2"#, [#"SELECT E'\';', 'plain\'"#, "SELECT 2"]),
            (#"SELECT E'a''b\';c'; SELECT 2"#, [#"SELECT E'a''b\';c'"#, "SELECT 2"]),
            (#"SELECT name'\'; SELECT 2"#, [#"SELECT name'\'"#, "SELECT 2"]),
            ("DO $$ BEGIN; $1; END $$; SELECT 2", ["DO $$ BEGIN; $1; END $$", "SELECT 2"]),
            ("DO $a$ ; $b$ ; $$ $a $a$; SELECT $1", ["DO $a$ ; $b$ ; $$ $a $a$", "SELECT $1"]),
            ("SELECT a$b$ FROM t; SELECT $b$ ; $b$", ["SELECT a$b$ FROM t", "SELECT $b$ ; $b$"]),
            (
                "SELECT 1 /* a /* nested ; */ ; */ + 1; SELECT 2 -- ;",
                ["SELECT 1 /* a /* nested ; */ ; */ + 1", "SELECT 2 -- ;"]
            ),
            (
                "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3",
                ["CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)", "SELECT 3"]
            ),
            (
                "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
                [
                    "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
                    "SELECT 3",
                ]
            ),
            ("CREATE TABLE function (begin int); SELECT 2", ["CREATE TABLE function (begin int)", "SELECT 2"]),
            ("SELECT 'Zürich;💡'; SELECT 2", ["SELECT 'Zürich;💡'", "SELECT 2"]),
        ] as [(String, [String])])
    func `A text is split where statements end`(text: String, statements: [String]) throws {
        #expect(try SQLStatements.split(text).map(\.text) == statements)
    }

    @Test func `Each statement knows its line`() throws {
        let text = "-- one\nSELECT 1;\n/* three\n */ SELECT 'a\nb';\nSELECT $$\n$$; SELECT 4"
        #expect(try SQLStatements.split(text).map(\.line) == [2, 4, 6, 7])
    }

    @Test(arguments: [
        ("SELECT 'a", 1), ("\nSELECT \"a", 2), ("SELECT 1; /* a /* */", 1), ("\n\nSELECT $a$ $b$", 3),
        ("SELECT E'\\'", 1),
    ])
    func `What is not closed is refused with its line`(text: String, line: Int) {
        let failure = #expect(throws: SQLStatements.Failure.self) { try SQLStatements.split(text) }
        #expect(failure?.line == line)
    }
}
