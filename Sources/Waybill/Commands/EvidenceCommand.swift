import ArgumentParser
import Foundation
import Gzip
import Ingest
import Logging
import Metering
import UsageStore
import WireFormats

/// `waybill evidence`: counts access logs in JSON beside the counters.
struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Count access logs in JSON as evidence beside the counters; never billed.",
        discussion: """
            Entries need stream_id and response_code (docs/sinks.md has Envoy's json_format); gzip is unpacked. A file that is read again, \
            also when it has grown, counts once: it is known by its first entry. Pieces of one log that overlap count \
            what lies in both of them twice, unless they are in the same call.

            With --instance (or a field "instance" in each entry) the log narrows the gaps of that instance.

            Example: waybill evidence --gateway gw-eu-1 --instance gw-eu-1-a /var/log/envoy/access.json
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: ArgumentHelp("Whose logs they are, where an entry does not say so.", valueName: "name"))
    var gateway: String

    @Option(
        help: ArgumentHelp("Which Envoy's they are (its node id), where an entry does not say so.", valueName: "name"))
    var instance: String?

    @Argument(help: ArgumentHelp("Files of JSON objects, gzip or not; - reads from stdin.", valueName: "file"))
    var files: [String]

    func run() async throws {
        let book = EvidenceBook(isRepeatable: true)
        var log = JSONAccessLog()
        for file in files { try read(file, into: &log, book) }
        let changes = book.changed()
        let rows = changes.rows
        if log.others > 0 {
            Console.error("\(log.others) JSON objects are no log entries: they have no stream_id or response_code")
        }
        if log.malformed > 0 { Console.error("\(log.malformed) places where an object begins are not JSON") }
        guard !rows.isEmpty else {
            throw CommandError(.failure, "there is no log entry in \(files.joined(separator: ", "))")
        }
        try await database.withStore(logger: Logger.command) { store in
            try await store.store(evidence: rows)
            try await store.store(evidenceSeconds: changes.seconds)
        }
        var answered: [String: Int64] = [:]
        for row in rows { answered["\(row.gateway) \(row.key.prefix)", default: 0] += row.counts.answered }
        for (name, count) in answered.sorted(by: { $0.key < $1.key }) { print("\(name): \(count) answered requests") }
    }

    private func read(_ path: String, into log: inout JSONAccessLog, _ book: EvidenceBook) throws {
        guard let handle = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path) else {
            throw CommandError(.usage, "\(path): the file can not be read")
        }
        func take(_ text: [UInt8]) {
            log.receive(text.span)
            book.add(log.takeRecords(), gateway: gateway, instance: instance ?? "", way: .file)
        }
        var chunk = try handle.read(upToCount: 1 << 20) ?? Data()
        if GzipReader.isGzip(chunk) {
            do {
                var gzip = try GzipReader()
                while !chunk.isEmpty {
                    try gzip.unpack(Array(chunk), take)
                    chunk = try handle.read(upToCount: 1 << 20) ?? Data()
                }
                try gzip.end()
            } catch let error as Gzip.Failure {
                throw CommandError(.failure, "\(path): \(error); nothing of this call was counted")
            }
        }
        while !chunk.isEmpty {
            take(Array(chunk))
            chunk = try handle.read(upToCount: 1 << 20) ?? Data()
        }
        log.end()
        take([])
    }
}
