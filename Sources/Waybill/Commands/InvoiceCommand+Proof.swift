import ArgumentParser
import Billing
import Foundation
import Metering
import Pricing
import Reports

extension InvoiceCommand {
    /// `waybill invoice explain N [--line K]`: from the amount to the instances' readings.
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "Explain an invoice from its amounts to its meter readings.",
            discussion: """
                Each line in words, then over services, gateways, days and quarter hours; the largest quarter hour down to
                the instances' readings.
                Example: waybill invoice explain INV-2026-000001 --line 1
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The number or the id.")
        var reference: String

        @Option(help: ArgumentHelp("Only this line.", valueName: "number"))
        var line: Int?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            let (text, explained) = try await database.withBilling { billing in
                let (document, inputs) = try await billing.inputs(of: reference, now: WallClock.now())
                let lines = document.lines.filter { line == nil || $0.number == line }
                guard !lines.isEmpty || line == nil else {
                    throw CommandError(
                        .usage, "--line \(line ?? 0): the invoice has lines 1 to \(document.lines.count)")
                }
                var texts = lines.isEmpty ? ["the invoice has no lines: nothing was used that costs anything"] : []
                var explained: [Explanation] = []
                for line in lines {
                    let explanation = try Explanation(line, of: document, inputs)
                    explained.append(explanation)
                    var outline = ExplanationText(explanation)
                    if let cell = outline.largest {
                        outline.readings = try await billing.readings(
                            tenant: document.tenant, service: cell.service, gateway: cell.gateway,
                            dimension: line.dimension ?? "", at: cell.quarterHour)
                    }
                    texts.append(outline.text)
                }
                return (texts.joined(separator: "\n\n"), explained)
            }
            print(format == .json ? try JSONEncoder.waybill.text(explained) : text)
        }
    }

    /// `waybill invoice verify N|--all`
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Recompute an invoice from its inputs, consumption and tapes, and its chain.",
            discussion: """
                Says of each link: holds, broken, or no longer kept (past retention). Ends with 4 when one is broken.
                Example: waybill invoice verify --all
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The number or the id.")
        var reference: String?

        @Flag(help: "Every invoice, and the chains as wholes.")
        var all = false

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() async throws {
            guard all != (reference != nil) else { throw CommandError(.usage, "name an invoice, or give --all") }
            let verifications = try await database.withBilling { billing in
                if let reference { return [try await billing.verify(reference)] }
                return try await billing.verifyAll { Console.progress("verified \($0.number)") }
            }
            Console.clearProgress()
            switch format {
            case .json: print(try JSONEncoder.waybill.text(verifications))
            case .table: print(verifications.map(VerificationText.text).joined(separator: "\n\n"))
            }
            let broken = verifications.filter(\.isBroken)
            if !broken.isEmpty {
                throw CommandError(.verification, "broken: \(broken.map(\.number).joined(separator: ", "))")
            }
        }
    }

    /// `waybill invoice export N --bundle FILE`
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write an invoice with its inputs as a signed archive.",
            discussion: """
                The archive is self-contained: waybill verify FILE computes the invoice again, offline.
                Example: waybill invoice export INV-2026-000001 --bundle INV-2026-000001.tar
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The number or the id.")
        var reference: String

        @Option(help: "Where to write it.")
        var bundle: String

        @Option(
            help: ArgumentHelp(
                "The private key; WAYBILL_SIGN_KEY or ~/.config/waybill/sign.key unless given.", valueName: "file"))
        var key: String?

        @Flag(help: "Write it without a signature.")
        var unsigned = false

        func run() async throws {
            let signingKey = unsigned ? nil : try SigningKeyFile.read(key)
            guard unsigned || signingKey != nil else {
                throw CommandError(
                    .failure,
                    "there is no key to sign with at \(SigningKeyFile.standardPath): make one with waybill key sign-init, "
                        + "or give --unsigned")
            }
            let written = try await database.withBilling { billing in
                let proven = try await billing.proven(reference)
                return try InvoiceBundle(
                    proven.invoice, documentText: proven.documentText, parts: proven.parts, chain: proven.chain,
                    paper: ReportFiles.text(proven.invoice, style: .plain) + "\n", key: signingKey)
            }
            do {
                try Data(written.bytes).write(to: URL(fileURLWithPath: bundle), options: .atomic)
            } catch {
                throw CommandError(.failure, "\(bundle) can not be written: \(error.localizedDescription)")
            }
            print(
                "\(bundle): \(written.bytes.count) bytes"
                    + (signingKey.map { ", signed by \($0.publicKey)" } ?? ", not signed"))
        }
    }

    /// `waybill invoice readings N`
    struct Readings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "readings", abstract: "Print all meter readings of an invoice as CSV.",
            discussion: """
                Its SHA-256 stands on the invoice.
                Example: waybill invoice readings INV-2026-000001 | sha256sum
                """)

        @OptionGroup var database: DatabaseOptions

        @Argument(help: "The number or the id.")
        var reference: String

        func run() async throws {
            let inputs = try await database.withBilling { try await $0.inputs(of: reference, now: WallClock.now()).1 }
            print(ReadingsAnnex.csv(inputs.readings), terminator: "")
        }
    }
}
