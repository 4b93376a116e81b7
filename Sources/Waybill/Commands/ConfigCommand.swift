import ArgumentParser
import Foundation
import Reports
import StrictYAML

/// `waybill config`: Envoy's configuration for Waybill, what is wrong with one, and Waybill's own settings.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Print and check Envoy bootstraps, and show the settings in force.",
        subcommands: [Envoy.self, Check.self, Show.self])

    /// `waybill config envoy`: a bootstrap stanza that lets an Envoy report.
    struct Envoy: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "envoy", abstract: "Print the part of an Envoy bootstrap that reports to Waybill.",
            discussion: """
                The metrics service with totals is the primary sink: what a flush loses, the next one carries.
                Example: waybill config envoy --sink metrics-service --gateway edge --instance gw-eu-1-a
                """)

        @Option(help: "metrics-service, otlp, statsd or dogstatsd.")
        var sink: EnvoyStanza.Sink

        @Option(help: "The gateway: one fleet that a load balancer would replace.")
        var gateway: String

        @Option(help: ArgumentHelp("The Envoy's name, one for each; GATEWAY-1 unless given.", valueName: "name"))
        var instance: String?

        @Option(help: ArgumentHelp("Where waybill serve receives it.", valueName: "host:port"))
        var address: ListenAddress?

        func run() throws {
            let instance = instance ?? gateway + "-1"
            for (name, value) in [("--gateway", gateway), ("--instance", instance)] {
                let isText = value.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                guard (1...512).contains(value.utf8.count), isText else {
                    throw CommandError(.usage, "\(name): a name of 1 to 512 bytes belongs there")
                }
            }
            let isStatsd = sink == .statsd || sink == .dogstatsd
            print(
                EnvoyStanza(
                    sink: sink, gateway: gateway, instance: instance, host: address?.host ?? "127.0.0.1",
                    port: address?.port ?? (isStatsd ? 8125 : 4317)
                ).text, terminator: "")
        }
    }

    /// `waybill config check`: the traps that a bootstrap walks into.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Name the traps that an Envoy bootstrap walks into, each with its remedy.",
            discussion: """
                With a Kubernetes Service it also holds the two against each other: PROXY protocol on at both ends or at
                neither, and where TLS ends. Ends with 1 when something is wrong; notes alone end with 0.
                Example: waybill config check envoy.yaml --service service.yaml
                """)

        @Argument(help: ArgumentHelp("An Envoy bootstrap, in YAML or JSON.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("The manifest of the gateway's Service.", valueName: "manifest"))
        var service: String?

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() throws {
            let root = try Self.read(file)
            guard !root.entries.isEmpty else {
                throw CommandError(.usage, "\(file): found \(root.kind), where an Envoy bootstrap belongs")
            }
            let check = BootstrapCheck(root)
            var findings = check.findings
            if let service {
                findings += ServiceCheck(try Self.service(service), check, root: root).findings
            }
            switch format {
            case .json: print(try JSONEncoder.waybill.text(findings))
            case .table: print(Self.text(findings, file))
            }
            let wrong = findings.count { $0.severity == .wrong }
            if wrong > 0 { throw CommandError(.failure, "\(file): \(wrong) things are wrong") }
        }

        private static func read(_ path: String) throws -> YAMLField {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw CommandError(.usage, "\(path): the file can not be read")
            }
            do {
                return try YAMLField.root(yaml: String(decoding: bytes, as: UTF8.self), file: path)
            } catch {
                throw CommandError(.usage, error.description)
            }
        }

        /// The Service of a manifest that may hold several documents.
        private static func service(_ path: String) throws -> YAMLField {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw CommandError(.usage, "--service \(path): the file can not be read")
            }
            // Blank lines in place of the documents before keep the lines of messages right.
            var before = ""
            for document in String(decoding: bytes, as: UTF8.self).split(
                separator: "\n---", omittingEmptySubsequences: false)
            {
                let text = before + document
                before += String(repeating: "\n", count: document.count { $0 == "\n" } + 1)
                guard let root = try? YAMLField.root(yaml: text, file: path) else { continue }
                if root["kind"]?.string == "Service" { return root }
            }
            throw CommandError(.usage, "--service \(path): there is no document of kind Service in it")
        }

        private static func text(_ findings: [BootstrapFinding], _ file: String) -> String {
            guard !findings.isEmpty else { return "\(file): nothing is wrong." }
            return findings.map { finding in
                "\(finding.severity == .wrong ? "wrong" : "note "), \(finding.place): \(finding.found)\n"
                    + "       → \(finding.remedy)"
            }
            .joined(separator: "\n")
        }
    }

    /// `waybill config show`: the settings in force, with their origin.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show the settings in force and where each comes from, without secrets.",
            discussion: "Example: waybill config show --config config/waybill.yaml")

        @OptionGroup var database: DatabaseOptions

        @Option(help: "table or json.")
        var format: OutputFormat = .table

        func run() throws {
            let settings = try EffectiveSetting.all(database)
            switch format {
            case .json: print(try JSONEncoder.waybill.text(settings))
            case .table:
                var table = TextTable([.left, .left, .left])
                table.add("setting", "value", "from")
                table.addRule()
                for setting in settings { table.add(setting.key, setting.value, setting.origin) }
                print(table.text)
            }
        }
    }
}

extension EnvoyStanza.Sink: ExpressibleByArgument {}
