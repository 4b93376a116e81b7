import DemoGateway
import Foundation
import PostgreSQL
import Testing

/// Price books at the command line: stored once, never changed, and every mistake named with its place and remedy.
@Suite struct PriceCommandTests {
    private static let good = """
        id: p
        currency: USD
        versions:
        - effective: 2026-01-01
          charges:
          - dimension: requests
            name: Gateway requests
            model: graduated
            per_units: 1000
            tiers:
            - {up_to: 1000, amount_minor: 900}
            - {amount_minor: 300}
        """

    @Test(
        "A price book with a mistake ends with 2 and names file, line and remedy; nothing is stored",
        arguments: [
            ("currency: USD", "currency: XXX", ":2:", "three capital letters, such as USD"),
            ("currency: USD", "curency: USD", ":2:", "allowed here: id, currency, rounding, versions"),
            ("up_to: 1000,", "upto: 1000,", ":11:", "allowed here: up_to, amount_minor, flat_minor"),
            (
                "{amount_minor: 300}", "{up_to: 900, amount_minor: 300}\n    - {amount_minor: 1}", ":12:",
                "order tiers by"
            ),
            ("{amount_minor: 300}", "{up_to: 2000, amount_minor: 300}", ":11:", "the last tier is open"),
            ("amount_minor: 300", "amount_minor: 300.5", ":12:", "a string with at most six decimals"),
            ("model: graduated", "model: tiered", ":8:", "graduated, volume, package, per_unit"),
            ("2026-01-01", "2026-02-30", ":4:", "a date that exists"),
        ])
    func mistakes(_ found: String, _ replacement: String, _ line: String, _ remedy: String) async throws {
        try await withFolder { folder in
            let file = folder + "/p.yaml"
            try Data(Self.good.replacing(found, with: replacement).utf8).write(to: URL(fileURLWithPath: file))
            for arguments in [
                ["price", "import", file, "--data-dir", folder + "/data"],
                ["quote", "--price-book", file, "--requests", "1"], ["price", "lint", file],
            ] {
                let command = try await Command.waybill(arguments)
                #expect(command.exit == .code(2), "\(arguments)")
                let said = command.diagnostics + command.output
                #expect(said.contains(file + line), "\(said)")
                #expect(said.contains(remedy), "\(said)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
        }
    }

    @Test("A stored price book is listed and shown; an import that would change it ends with 5 and stores nothing")
    func immutable() async throws {
        try await withFolder { folder in
            let database = ["--data-dir", folder + "/data"]
            let file = folder + "/p.yaml"
            func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) }
            func waybill(_ arguments: [String]) async throws -> Command {
                try await Command.waybill(["price"] + arguments + database)
            }
            try write(Self.good)
            _ = try await waybill(["import", file]).succeeded()
            let stored = try await waybill(["show", "p", "--format", "json"]).succeeded()
            #expect(stored.contains(#""effective":"2026-01-01""#) && stored.contains(#""number":1"#))

            for (found, replacement, word) in [
                ("amount_minor: 300", "amount_minor: 301", "changes the stored version of 2026-01-01"),
                ("currency: USD", "currency: EUR", "changes the stored version of 2026-01-01"),
                ("2026-01-01", "2026-03-01", "lacks the stored version of 2026-01-01"),
            ] {
                try write(Self.good.replacing(found, with: replacement))
                let refused = try await waybill(["import", file])
                #expect(refused.exit == .code(5) && refused.output == "")
                #expect(refused.diagnostics.contains(word) && refused.diagnostics.contains("nothing was stored"))
            }
            #expect(try await waybill(["show", "p", "--format", "json"]).succeeded() == stored)

            let later = "\n- {effective: 2026-06-01, charges: []}\n"
            try write(Self.good + later)
            let second = try await waybill(["import", file])
            #expect(second.exit == .code(0) && second.diagnostics.contains("stored: 2026-06-01"))
            // An import that reaches back is legal, and said.
            #expect(second.diagnostics.contains("note: version 2026-06-01 is effective before today"))
            #expect(try await waybill(["import", file]).diagnostics.contains("nothing changed"))
            let list = try await waybill(["list"]).succeeded()
            #expect(list.contains("2026-01-01") && list.contains("2026-06-01"))
            #expect(try await waybill(["show", "p", "--version", "3"]).diagnostics.contains("there are 1 to 2"))
            #expect(try await waybill(["show", "q"]).exit == .code(1))
        }
    }

    @Test("The quote is the JSON that is promised, for every model, with the price in force at the date")
    func quote() async throws {
        try await withFolder { folder in
            let file = folder + "/p.yaml"
            let package = """
                - effective: 2026-06-01
                  charges:
                  - {dimension: requests, name: Blocks, model: package, per_units: 1000, amount_minor: 900, partial: full}
                """
            try Data((Self.good + "\n" + package).utf8).write(to: URL(fileURLWithPath: file))
            func quote(_ date: String) async throws -> String {
                try await Command.waybill(
                    "quote", "--price-book", file, "--requests", "2500", "--at", date, "--format", "json"
                ).succeeded()
            }
            #expect(
                try await quote("2026-05-31")
                    == #"{"currency":"USD","lines":[{"name":"Gateway requests","tier":1,"quantity":1000,"amount_minor":900},"#
                    + #"{"name":"Gateway requests","tier":2,"quantity":1500,"amount_minor":450}],"#
                    + #""subtotal_minor":1350,"total_minor":1350}"# + "\n")
            #expect(
                try await quote("2026-06-01")
                    == #"{"currency":"USD","lines":[{"name":"Blocks","tier":null,"quantity":2500,"blocks":3,"amount_minor":2700}],"#
                    + #""subtotal_minor":2700,"total_minor":2700}"# + "\n")
            let early = try await Command.waybill(
                "quote", "--price-book", file, "--requests", "1", "--at", "2025-12-31")
            #expect(early.exit == .code(2) && early.diagnostics.contains("its first is effective 2026-01-01"))
        }
    }

    @Test(
        "A wrong use of what is forecast or simulated ends with 2 and names what is wrong",
        arguments: [
            (["forecast", "--tenant", "a", "--zone", "Mars/Base"], "Mars/Base"),
            (["forecast", "--tenant", "a", "--month", "2026-13"], "2026-13"),
            (["forecast", "--tenant", "a", "--as-of", "yesterday"], "--as-of"),
            (["forecast", "--tenant", "a", "--price-book", "no.yaml"], "no.yaml"),
            (["simulate", "--tenant", "a", "--spike", "10x"], "--for 6h"),
            (["simulate", "--tenant", "a", "--spike", "ten", "--for", "6h"], "--spike is ten"),
            (["simulate", "--tenant", "a", "--spike", "10x", "--for", "6"], "--for is 6"),
            (["simulate", "--tenant", "a", "--gateway", "g", "--spike", "10x", "--for", "6h"], "--tenant excludes"),
            (["simulate", "--gateway", "g", "--month", "2026-10", "--spike", "10x"], "need --tenant"),
            (["price", "diff", "a", "b", "--tenant", "t", "--months", "0"], "--months is 0"),
            (["price", "diff", "standard@soon", "b", "--tenant", "t"], "@2026-01-01"),
        ])
    func wrongUse(_ arguments: [String], _ what: String) async throws {
        try await withFolder { folder in
            let command = try await Command.waybill(arguments + ["--data-dir", folder + "/data"])
            #expect(command.exit == .code(2), "\(command.diagnostics)")
            #expect(command.diagnostics.contains(what), "\(command.diagnostics)")
            #expect(command.output == "")
        }
    }
}

/// Forecast, spike and price comparison over a year of stored consumption.
@Suite struct ForecastCommandTests {
    /// Four hundred days up to 2026-11-06T00:00:00Z: 1,000,000 requests a quarter hour, ten times as many on Tuesdays at 9.
    private func withYear(_ body: ([String]) async throws -> Void) async throws {
        try await withFolder { folder in
            try await PostgresCluster.run(in: folder) { cluster in
                let database = ["--database-url", cluster.url]
                _ = try await Command.waybill(["migrate"] + database).succeeded()
                let program = "/usr/bin/psql"
                let seed = """
                    SELECT make_partitions('2025-09-01', '2026-12-01');
                    INSERT INTO tenant (name) VALUES ('acme'), ('fresh');
                    INSERT INTO gateway (name, metering_since) VALUES ('edge', '2025-01-01');
                    INSERT INTO service (tenant_id, name) SELECT tenant_id, 'web' FROM tenant;
                    INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests)
                    SELECT 1, 1, 1, t, CASE WHEN extract(isodow FROM t AT TIME ZONE 'UTC') = 2
                        AND extract(hour FROM t AT TIME ZONE 'UTC') = 9 THEN 10000000 ELSE 1000000 END
                    FROM generate_series(
                        timestamptz '2025-10-01 00:00:00+00', '2026-11-05 23:45:00+00', interval '15 min') AS t;
                    INSERT INTO consumption_rollup
                    SELECT 1, 'month', 'UTC', month, 1, 1, month + interval '1 month', 1, requests, 0, 0, 0, 0, 0, 0, 0, 0,
                        0, 0, 0, 0
                    FROM (
                        SELECT date_trunc('month', quarter_hour, 'UTC') AS month, sum(requests) AS requests
                        FROM consumption GROUP BY 1
                    ) AS months;
                    INSERT INTO consumption (tenant_id, gateway_id, service_id, quarter_hour, requests)
                    SELECT 2, 1, 2, t, 7 FROM generate_series(
                        timestamptz '2026-11-01 00:00:00+00', '2026-11-05 23:45:00+00', interval '15 min') AS t;
                    """
                _ = try await Command.run(program, [cluster.url, "-q", "-v", "ON_ERROR_STOP=1", "-c", seed]).succeeded()
                try await body(database)
            }
        }
    }

    @Test("A year of repeating weeks is forecast to the request, with its record and the day of the budget")
    func year() async throws {
        try await withYear { database in
            let asOf = ["--as-of", "2026-11-06T00:00:00Z"]
            let forecast = try await Command.waybill(
                ["forecast", "--tenant", "acme", "--budget", "200"] + asOf + database
            ).succeeded()
            // 30 × 96 quarter hours and four Tuesdays: 3,024 million; 90.00 + 2.024 × 60.00.
            #expect(forecast.contains("month-end P50   3,024,000,000  USD 211.44"), "\(forecast)")
            #expect(forecast.contains("P10–P90 held in 10 of 10 months"), "\(forecast)")
            #expect(forecast.contains("P50: on 2026-11-29"), "\(forecast)")

            let json = try await Command.waybill(
                ["forecast", "--tenant", "fresh", "--format", "json"] + asOf + database
            ).succeeded()
            #expect(json.contains(#""p50":null"#) && json.contains("too little history"), "\(json)")

            let spike = try await Command.waybill(
                ["simulate", "--tenant", "acme", "--spike", "10x", "--for", "1h"] + asOf + database
            ).succeeded()
            #expect(
                spike.contains("from Tuesday 09:00 to Tuesday 10:00, where 40,000,000 requests are usual"), "\(spike)")
            #expect(spike.contains("360,000,000") && spike.contains("USD 21.60"), "\(spike)")

            let other = try await Command.waybill(
                ["price", "diff", Checkout.root + "/config/price-books/standard.yaml"]
                    + [Checkout.root + "/config/price-books/demo.yaml", "--tenant", "acme", "--months", "2"] + asOf
                    + database
            ).succeeded()
            // October 2026: 31 × 96 quarter hours and four Tuesdays.
            #expect(other.contains("2026-10  3,120,000,000  217.20   9,360,012.00   9,359,794.80"), "\(other)")
            // With a contract the period, its zone and its prices are the contract's.
            _ = try await Command.waybill(
                ["price", "import", Checkout.root + "/config/price-books/standard.yaml"] + database
            ).succeeded()
            _ = try await Command.waybill(
                [
                    "contract", "add", "--tenant", "acme", "--price-book", "standard", "--from", "2026-01-15", "--zone",
                    "Europe/Berlin", "--anchor", "15", "--seller", "Gateways Inc.",
                ] + database
            ).succeeded()
            let contract = try await Command.waybill(["forecast", "--tenant", "acme"] + asOf + database)
            #expect(
                contract.output.contains("2026-10-14T22:00:00Z to 2026-11-14T23:00:00Z, price book standard"),
                "\(contract.output)")
            #expect(!contract.diagnostics.contains("no contract"), "\(contract.diagnostics)")
            let unknown = try await Command.waybill(["forecast", "--tenant", "nobody"] + database)
            #expect(unknown.exit == .code(1) && unknown.diagnostics.contains("known are acme, fresh"))
        }
    }
}
