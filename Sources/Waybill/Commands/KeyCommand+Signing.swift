import ArgumentParser
import Billing
import Foundation
import Metering

extension KeyCommand {
    /// `waybill key sign-init`: the key that exported invoices and the heads of chains are signed with.
    struct SignInit: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign-init", abstract: "Make the Ed25519 key that invoices are signed with.",
            discussion: """
                Writes the private key, readable by its owner alone, and beside it KEY.pub, to be given to customers. A file
                that is there is never written over.
                Example: waybill key sign-init --key /etc/waybill/sign.key
                """)

        @Option(
            help: ArgumentHelp("Where; WAYBILL_SIGN_KEY or ~/.config/waybill/sign.key unless given.", valueName: "file")
        )
        var key: String?

        func run() throws {
            let path = key ?? SigningKeyFile.standardPath
            let made = SigningKey()
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try? FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try write(made.privateText, path, mode: 0o600)
            do {
                try write(made.publicText, path + ".pub", mode: 0o644)
            } catch {
                unlink(path)
                throw error
            }
            print("private key  \(path)\npublic key   \(path).pub\n             \(made.publicKey)")
        }

        /// Created with its mode, so that nobody can read it in between.
        private func write(_ text: String, _ path: String, mode: mode_t) throws {
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
            guard file >= 0 else {
                let reason =
                    errno == EEXIST ? "it is there already, and is not written over" : String(cString: strerror(errno))
                throw CommandError(errno == EEXIST ? .conflict : .failure, "\(path): \(reason)")
            }
            defer { close(file) }
            let bytes = Array(text.utf8)
            guard Foundation.write(file, bytes, bytes.count) == bytes.count, fchmod(file, mode) == 0 else {
                throw CommandError(.failure, "\(path): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// `waybill key sign-head`: signs the head of each chain for the day.
    struct SignHead: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign-head", abstract: "Sign the head of each hash chain for today.",
            discussion: """
                For cron: once a day. invoice finalize does it too where a key is there by default.
                Example: waybill key sign-head --key /etc/waybill/sign.key
                """)

        @OptionGroup var database: DatabaseOptions

        @Option(help: ArgumentHelp("The private key.", valueName: "file"))
        var key: String?

        func run() async throws {
            guard let signingKey = try SigningKeyFile.read(key) else {
                throw CommandError(.failure, "there is no key at \(SigningKeyFile.standardPath): waybill key sign-init")
            }
            let signed = try await database.withBilling { try await $0.signHeads(signingKey, now: WallClock.now()) }
            print(signed.isEmpty ? "the heads are signed already" : signed.joined(separator: "\n"))
        }
    }
}
