import ArgumentParser
import Billing
import Foundation

/// `waybill verify FILE [--key PUB]`: checks an exported invoice, without a database.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an exported invoice offline.",
        discussion: """
            Recomputes the invoice from the inputs in the archive, its digests and its chain entry. With the seller's public
            key it tells whether the seller signed it; without one an archive can only be consistent.
            Ends with 4 when anything is broken.
            Example: waybill verify INV-2026-000001.tar --key sign.key.pub
            """)

    @Argument(help: "The archive.")
    var file: String

    @Option(help: ArgumentHelp("The seller's public key: a file, or its 64 digits.", valueName: "key"))
    var key: String?

    @Option(help: "table or json.")
    var format: OutputFormat = .table

    private struct Report: Encodable {
        var verification: Verification
        var isAuthenticated: Bool
        var signer: String?

        private enum CodingKeys: String, CodingKey {
            case verification, signer
            case isAuthenticated = "authenticated"
        }
    }

    func run() throws {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw CommandError(.failure, "\(file): the file can not be read")
        }
        do {
            let public_ = try key.map { key in
                let text = FileManager.default.contents(atPath: key).map { String(decoding: $0, as: UTF8.self) } ?? key
                return try SigningKey.publicKey(text, file: key)
            }
            let finding = try InvoiceBundle.verify([UInt8](bytes), key: public_)
            let isBroken = finding.verification.isBroken
            switch format {
            case .json:
                print(
                    try JSONEncoder.waybill.text(
                        Report(
                            verification: finding.verification, isAuthenticated: finding.isAuthenticated,
                            signer: finding.signer)))
            case .table:
                print(VerificationText.text(finding.verification))
                if !isBroken {
                    print(
                        "\n\(finding.verification.number), \(moneyText(finding.total, finding.currency)): "
                            + (finding.isAuthenticated ? "authentic" : "consistent, not authenticated"))
                }
            }
            if isBroken { throw CommandError(.verification, "\(file) is broken") }
        } catch let error as BillingError {
            // A file that is no bundle any more was tampered with, as far as one can tell.
            throw CommandError(.verification, "\(file): \(error.message)")
        }
    }
}
