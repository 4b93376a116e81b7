import ArgumentParser

/// `waybill key`: keys.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make the key that invoices are signed with, and sign with it.",
        subcommands: [SignInit.self, SignHead.self])
}
