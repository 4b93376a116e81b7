import Billing
import Foundation
import Metering
import Pricing
import Reports

/// The demo's bill: a contract, a finalized invoice, explained to its readings, verified, exported and verified offline.
///
/// The month that the demo meters is not over. Finalize refuses a period that still runs, so the demo does what
/// `--as-of` does: it takes the day after the month's end for now, when the grace has run out. The Envoy was drained, so
/// nothing is missing by then.
struct DemoInvoice {
    let billing: BillingStore
    let tenant: String
    let period: BillingPeriod
    let folder: String

    /// The first instant at which the contract's grace is over.
    private var asOf: Timestamp { period.endTime.advanced(byMicroseconds: 25 * 3_600_000_000) }

    func show(_ book: PriceBook) async throws {
        do {
            let invoice = try await finalized(book)
            print("\(try ReportFiles.text(invoice))\n")
            let number = invoice.document.number ?? ""
            try await explain(number)
            try await verify(number)
        } catch let error as BillingError {
            throw error.asCommandError
        }
    }

    private func finalized(_ book: PriceBook) async throws -> Invoice {
        _ = try await billing.importPriceBook(book, by: "demo")
        // With --data-dir a second demo finds the contract, and the invoice, of the first.
        let known = try await billing.contracts(tenant: tenant).first { ((try? $0.covers(period)) ?? false) }
        let contract: ContractTerms
        if let known {
            contract = known
        } else {
            contract = try await billing.addContract(
                ContractTerms(
                    id: "", tenant: tenant, priceBook: book.id, currency: book.currency.code, zone: "UTC",
                    startsOn: period.startDate.description,
                    seller: Party(name: "Demo Gateway Ltd", address: ["1 Main Street", "Springfield"]),
                    buyer: Party(name: tenant)), by: "demo", now: WallClock.now())
        }
        var order = FinalizeOrder(now: asOf, by: "demo")
        order.contract = contract.id
        let run = try await billing.finalize(order)
        Console.write("  ✓ contract \(contract.id), finalized as of \(asOf): the month is over then")
        if let held = (run.waiting + run.failed).first {
            throw CommandError(.failure, "the invoice of \(tenant) is not finalized: \(held.reason)")
        }
        let month = String(period.startDate.description.prefix(7))
        guard let invoice = try await billing.invoices(InvoiceFilter(tenant: tenant, month: month)).last else {
            throw CommandError(.failure, "there is no invoice of \(tenant) for \(month)")
        }
        return invoice
    }

    private func explain(_ number: String) async throws {
        let (document, inputs) = try await billing.inputs(of: number, now: asOf)
        guard let line = document.lines.first else { return }
        var text = ExplanationText(try Explanation(line, of: document, inputs))
        if let cell = text.largest {
            text.readings = try await billing.readings(
                tenant: tenant, service: cell.service, gateway: cell.gateway, dimension: line.dimension ?? "",
                at: cell.quarterHour)
        }
        print("Explained (waybill invoice explain \(number) --line 1)\n\n\(text.text)\n")
    }

    private func verify(_ number: String) async throws {
        let verification = try await billing.verify(number)
        print("Verified (waybill invoice verify \(number))\n\n\(VerificationText.text(verification))\n")
        if verification.isBroken { throw CommandError(.verification, "invoice \(number) is broken") }
        let proven = try await billing.proven(number)
        let key = SigningKey()
        let bundle = try InvoiceBundle(
            proven.invoice, documentText: proven.documentText, parts: proven.parts, chain: proven.chain,
            paper: ReportFiles.text(proven.invoice, style: .plain) + "\n", key: key)
        let file = "\(folder)/\(number).tar"
        do {
            try Data(bundle.bytes).write(to: URL(fileURLWithPath: file))
        } catch {
            throw CommandError(.failure, "\(file) can not be written: \(error.localizedDescription)")
        }
        let finding = try InvoiceBundle.verify(
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))), key: key.publicKey)
        print(
            "Exported and verified offline (waybill verify \(number).tar --key KEY.pub)\n\n"
                + VerificationText.text(finding.verification) + "\n")
        guard !finding.verification.isBroken, finding.isAuthenticated else {
            throw CommandError(.verification, "\(file) is broken")
        }
    }
}
