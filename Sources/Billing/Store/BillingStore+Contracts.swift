import FoundationEssentials
package import Metering
import PostgreSQL
import Pricing
import UsageStore

extension BillingStore {
    /// Stores a contract. Its id is made here. The contract confirms its tenant.
    ///
    /// - Throws: `BillingError`: an unknown tenant, price book, version, zone or currency; `contractOverlaps` where the
    ///   tenant has a contract over a part of the same time.
    @discardableResult
    package func addContract(_ terms: ContractTerms, by actor: String, now: Timestamp) async throws -> ContractTerms {
        var terms = terms
        terms.id = UUID.version7(now).text
        do {
            try terms.check()
        } catch {
            throw BillingError(.invalid, error.message)
        }
        let added = terms
        do {
            try await transaction(by: actor) { connection in
                let tenant = try await tenantNumber(added.tenant, on: connection)
                let book = try await priceBook(id: added.priceBook, on: connection)
                try Self.check(added, book)
                _ = try await connection.execute(
                    "UPDATE tenant SET confirmed = true WHERE tenant_id = $1 AND NOT confirmed", [tenant])
                _ = try await connection.execute(
                    """
                    INSERT INTO contract (
                        tenant_id, contract_id, price_book, pinned_version, currency, zone, anchor_day, grace_hours,
                        on_incomplete, series, starts_on, ends_on, seller, buyer, created_by
                    )
                    VALUES (
                        $1, $2, $3, $4::text::date, $5, $6, $7, $8, $9, $10, $11::text::date, $12::text::date, $13,
                        $14, $15
                    )
                    """,
                    [
                        tenant, UUID(uuidString: added.id), added.priceBook, added.pinnedVersion, added.currency,
                        added.zone, Int32(added.anchorDay), Int32(added.graceHours), added.onIncomplete.rawValue,
                        added.series, added.startsOn, added.endsOn,
                        PostgresJSON(try CanonicalCoding.text(added.seller)),
                        PostgresJSON(try CanonicalCoding.text(added.buyer)), actor,
                    ])
                // What is not invoiced yet is not dropped.
                _ = try await connection.execute(
                    """
                    INSERT INTO retention_hold (tenant_id, reason, held_from)
                    VALUES ($1, 'contract ' || $2, $3::text::date::timestamp AT TIME ZONE $4)
                    """, [tenant, added.id, added.startsOn, added.zone])
            }
        } catch let error as PostgresError where error.constraint == "contract_one_at_a_time" {
            let others = try await contracts(tenant: added.tenant).map { contract in
                "\(contract.id) from \(contract.startsOn) to \(contract.endsOn ?? "open")"
            }
            throw BillingError(
                .contractOverlaps,
                "tenant \(added.tenant) has a contract over a part of the same time (\(others.joined(separator: "; "))); "
                    + "end it first: waybill contract end ID --on DATE")
        }
        try await UsageStore(pool: pool, logger: logger).keepRollUps(ofTenant: terms.tenant, zone: terms.zone)
        return terms
    }

    private static func check(_ terms: ContractTerms, _ book: StoredPriceBook) throws {
        guard book.book.currency.code == terms.currency else {
            throw BillingError(
                .invalid,
                "price book \(terms.priceBook) is in \(book.book.currency.code), the contract in \(terms.currency); "
                    + "leave the currency out or choose a book in it")
        }
        do {
            let zone = try BillingZone(terms.zone)
            let start = zone.start(of: try LocalDate(terms.startsOn))
            let first = try terms.period(containing: start)
            _ = try terms.version(of: book, for: first.startDate)
        } catch {
            throw BillingError(.invalid, error.message)
        }
    }

    /// The contracts, all or of one tenant, by tenant and start.
    package func contracts(tenant: String? = nil) async throws -> [ContractTerms] {
        try await pool.withConnection { connection in
            if let tenant { _ = try await tenantNumber(tenant, on: connection) }
            return try await connection.execute(
                """
                SELECT contract_id, tenant.name, price_book, pinned_version::text, currency, zone, anchor_day,
                    grace_hours, on_incomplete, series, starts_on::text, ends_on::text, seller, buyer
                FROM contract JOIN tenant USING (tenant_id) WHERE $1::text IS NULL OR tenant.name = $1
                ORDER BY tenant.name, starts_on
                """, [tenant]
            ).map { try ContractTerms($0) }
        }
    }

    /// A contract by its id, or by enough of its beginning.
    package func contract(_ id: String) async throws -> ContractTerms {
        let rows = try await pool.withConnection { connection in
            try await connection.execute(
                """
                SELECT contract_id, tenant.name, price_book, pinned_version::text, currency, zone, anchor_day,
                    grace_hours, on_incomplete, series, starts_on::text, ends_on::text, seller, buyer
                FROM contract JOIN tenant USING (tenant_id)
                WHERE contract_id::text LIKE replace(replace($1, '%', ''), '_', '') || '%' LIMIT 2
                """, [id.lowercased()]
            ).map { try ContractTerms($0) }
        }
        guard let contract = rows.first, rows.count == 1, !id.isEmpty else {
            throw BillingError(
                .unknownContract,
                rows.isEmpty
                    ? "there is no contract \(id); waybill contract list shows them"
                    : "more than one contract begins with \(id); write more of it")
        }
        return contract
    }

    /// Sets the first local date that is no longer billed.
    @discardableResult
    package func endContract(_ id: String, on date: String, by actor: String) async throws -> ContractTerms {
        var contract = try await contract(id)
        contract.endsOn = date
        do {
            try contract.check()
        } catch {
            throw BillingError(.invalid, error.message)
        }
        let ended = contract
        try await transaction(by: actor) { connection in
            let invoiced = try await connection.execute(
                """
                SELECT number FROM invoice WHERE contract_id = $1 AND NOT EXISTS (
                    SELECT FROM invoice_event AS void
                    WHERE void.tenant_id = invoice.tenant_id AND void.invoice_id = invoice.invoice_id AND event = 'void'
                ) AND period_end > ($2::text::date::timestamp AT TIME ZONE $3) ORDER BY period_start LIMIT 1
                """, [UUID(uuidString: ended.id), date, ended.zone])
            if let row = invoiced.first {
                throw BillingError(
                    .alreadyInvoiced,
                    "invoice \(try row.decode(0, as: String.self)) bills time after \(date); void it first")
            }
            do {
                _ = try await connection.execute(
                    "UPDATE contract SET ends_on = $2::text::date WHERE contract_id = $1",
                    [UUID(uuidString: ended.id), date])
            } catch let error as PostgresError where error.constraint == "contract_one_at_a_time" {
                throw BillingError(
                    .contractOverlaps, "another contract of tenant \(ended.tenant) begins before \(date)")
            }
        }
        return contract
    }
}

extension ContractTerms {
    /// Columns: contract id, tenant's name, price book, pinned version, currency, zone, anchor day, grace, policy,
    /// series, start, end, seller, buyer; from a place on.
    init(_ row: PostgresRow, at place: Int = 0) throws {
        let policy: String = try row.decode(place + 8)
        self.init(
            id: try row.decode(place, as: UUID.self).text, tenant: try row.decode(place + 1),
            priceBook: try row.decode(place + 2), pinnedVersion: try row.decode(place + 3),
            currency: try row.decode(place + 4), zone: try row.decode(place + 5),
            anchorDay: Int(try row.decode(place + 6, as: Int32.self)),
            graceHours: Int(try row.decode(place + 7, as: Int32.self)),
            onIncomplete: OnIncomplete(rawValue: policy) ?? .hold, series: try row.decode(place + 9),
            startsOn: try row.decode(place + 10), endsOn: try row.decode(place + 11),
            seller: try CanonicalCoding.value(
                from: try row.decode(place + 12, as: PostgresJSON.self).text, "a contract's seller"),
            buyer: try CanonicalCoding.value(
                from: try row.decode(place + 13, as: PostgresJSON.self).text, "a contract's buyer"))
    }

    /// The version that rates a period which starts on a date: the pinned one, or the book's at that date.
    func version(of book: StoredPriceBook, for start: LocalDate) throws(PricingError) -> PriceBook.Version {
        guard let pinnedVersion else { return try book.book.version(inForceOn: start) }
        guard let version = book.book.versions.first(where: { $0.effective.description == pinnedVersion }) else {
            throw PricingError(
                .noVersionInForce,
                "price book \"\(priceBook)\" has no version of \(pinnedVersion); there are: "
                    + book.book.versions.map(\.effective.description).joined(separator: ", "))
        }
        return version
    }
}
