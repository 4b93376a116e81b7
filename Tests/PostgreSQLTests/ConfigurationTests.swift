import Testing

@testable import PostgreSQL

@Suite struct ConfigurationTests {
    @Test(arguments: [
        (
            "postgresql://ann@db.example:5433/bills?sslmode=verify-full",
            "host=db.example port=5433 user=ann dbname=bills", false
        ),
        ("postgres://ann:secret@db.example/bills", "host=db.example user=ann dbname=bills", true),
        ("host=/run/pg dbname=bills", "host=/run/pg dbname=bills", false),
        ("host=db password=secret", "host=db", true),
        ("postgresql:///bills?password=secret", "dbname=bills", true),
        ("", "the database of the PG… environment variables", false),
    ])
    func `A URL is read, and shown without its password`(url: String, shown: String, password: Bool) throws {
        let configuration = try PostgresConfiguration(url: url)
        #expect(configuration.description == shown)
        #expect(configuration.containsPassword == password)
    }

    @Test(arguments: ["postgresql://ann:se%zzcret@db/bills", "host=db password='secret", "nonsense", "secret@db = 1 2"])
    func `A URL that can not be read is refused without repeating its secrets`(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }
        #expect(error?.code == .configuration)
        #expect(error.map { "\($0)".contains("cret") } == false)
    }

    @Test func `What the URL says comes before the defaults`() throws {
        let own = try PostgresConfiguration(url: "host=db keepalives_idle=7 application_name=job").connectionParameters
        #expect(own["keepalives_idle"] == "7")
        #expect(own["application_name"] == "job")
        #expect(own["tcp_user_timeout"] == "30000")
    }
}
