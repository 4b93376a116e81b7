import ArgumentParser
import Foundation
import Metering
import StrictYAML

/// `10s`, `500ms`, `2m`, `1h`.
struct Interval: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration
    let description: String

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count > 0, count < 1_000_000 else { return nil }
        switch argument.dropFirst(digits.count) {
        case "ms": duration = .milliseconds(count)
        case "s": duration = .seconds(count)
        case "m": duration = .seconds(count * 60)
        case "h": duration = .seconds(count * 3600)
        default: return nil
        }
        description = argument
    }

    static func setting(_ text: String?, _ key: String, default standard: String) throws -> Interval {
        guard let interval = Interval(argument: text ?? standard) else {
            throw CommandError(
                .usage, "\(key) is \(text ?? standard): write a number and a unit, as 10s, 500ms, 2m or 1h")
        }
        return interval
    }
}

/// `2026-11-03T12:00:00Z`
struct InstantOption: ExpressibleByArgument, CustomStringConvertible {
    let instant: Timestamp
    let description: String

    init?(argument: String) {
        guard let instant = Timestamp(argument) else { return nil }
        self.instant = instant
        description = argument
    }
}

/// `99.00`: a share in percent with at most two places.
struct CoverageThreshold: ExpressibleByArgument, CustomStringConvertible {
    let hundredths: Int64
    let description: String

    init?(argument: String) {
        let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { "0"..."9" ~= $0 } }),
            parts.last.map({ parts.count == 1 || $0.count <= 2 }) ?? false, let whole = Int64(parts[0]), whole <= 100
        else { return nil }
        let places = parts.count == 2 ? parts[1] + String(repeating: "0", count: 2 - parts[1].count) : "00"
        guard let fraction = Int64(places), whole * 100 + fraction <= 10_000 else { return nil }
        hundredths = whole * 100 + fraction
        description = argument
    }

    static func setting(_ text: String?) throws -> CoverageThreshold {
        guard let threshold = CoverageThreshold(argument: text ?? "99.00") else {
            throw CommandError(
                .usage, "coverage_threshold is \(text ?? ""): write a percentage with at most two places, as \"99.00\"")
        }
        return threshold
    }
}

/// `127.0.0.1:4317`, `[::1]:4317`, `:0` for a free port on loopback.
struct ListenAddress: ExpressibleByArgument, CustomStringConvertible {
    let host: String
    let port: Int

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":") else { return nil }
        guard let port = Int(argument[argument.index(after: colon)...]), (0...65_535).contains(port) else { return nil }
        var host = String(argument[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host.isEmpty ? "127.0.0.1" : (host == "localhost" ? "127.0.0.1" : host)
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }

    static func setting(_ text: String?, _ key: String, default standard: String) throws -> ListenAddress {
        guard let address = ListenAddress(argument: text ?? standard) else {
            throw CommandError(.usage, "\(key) is \(text ?? standard): write host and port, as 127.0.0.1:4317")
        }
        return address
    }
}

/// The meters files that are given, or the shipped ones for a plain Envoy.
enum MetersFiles {
    /// The text of each file, each read once strictly.
    static func read(_ paths: [String]) throws -> [String] {
        let paths = paths.isEmpty ? [try ConfigurationFiles.file("config/meters/envoy.yaml")] : paths
        return try paths.map { path in
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw CommandError(.usage, "--meters \(path): the file can not be read")
            }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try meters([text], paths: [path])
            return text
        }
    }

    static func meters(_ texts: [String], paths: [String] = []) throws -> Meters {
        do {
            let meters = try texts.enumerated().map { index, text in
                try Meters(yaml: text, file: index < paths.count ? paths[index] : "meters")
            }
            let joined = Meters(joining: meters)
            if let conflict = joined.conflicts().first { throw CommandError(.usage, conflict.description) }
            return joined
        } catch let error as YAMLFieldError {
            throw CommandError(.usage, error.description)
        }
    }
}

/// How a command writes its data.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

/// The machine's clock, in the unit of readings.
enum WallClock {
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

extension JSONEncoder {
    /// Keys in snake case and sorted, so that output is the same each time.
    static var waybill: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    func text(_ value: some Encodable) throws -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }
}
