import Foundation
import StrictYAML

/// A setting in force, with where it comes from. Secrets are not shown.
struct EffectiveSetting: Encodable, Hashable {
    let key: String
    let value: String
    /// A flag, an environment variable, a file with its line, or `default`.
    let origin: String

    /// What holds where nothing is set.
    private static let defaults = [
        ("grpc_listen", "127.0.0.1:4317"), ("api_listen", "127.0.0.1:8080"), ("commit_interval", "10s"),
        ("aggregate_interval", "60s"), ("meters", "those in force in the database, else config/meters/envoy.yaml"),
    ]
    private static let variables = [
        "WAYBILL_DATABASE_URL", "WAYBILL_HOME", "WAYBILL_LOG", "WAYBILL_ENVOY", "PGPASSFILE", "NO_COLOR",
    ]

    static func all(_ database: DatabaseOptions) throws -> [EffectiveSetting] {
        // Read strictly first: what can not be read is not in force.
        _ = try SettingsFile.read(database.config)
        let environment = ProcessInfo.processInfo.environment
        var settings: [EffectiveSetting] = []
        var known: Set<String> = []
        func add(_ key: String, _ value: String, _ origin: String) {
            guard known.insert(key).inserted else { return }
            settings.append(EffectiveSetting(key: key, value: redacted(value, key: key), origin: origin))
        }
        if let url = database.databaseURL { add("database_url", url, "--database-url") }
        if let folder = database.dataDir { add("data_dir", folder, "--data-dir") }
        if known.isEmpty, let url = environment["WAYBILL_DATABASE_URL"], !url.isEmpty {
            add("database_url", url, "WAYBILL_DATABASE_URL")
        }
        let place = known
        for (key, field) in try fields(database.config) {
            // A place that a flag or the environment names comes before that of the file.
            if !place.isEmpty, ["database_url", "data_dir"].contains(key) { continue }
            add(key, text(field), field.place)
        }
        if !known.contains("database_url"), !known.contains("data_dir") {
            let home = environment["XDG_DATA_HOME"] ?? NSHomeDirectory() + "/.local/share"
            add("data_dir", home + "/waybill", environment["XDG_DATA_HOME"] == nil ? "default" : "XDG_DATA_HOME")
        }
        for (key, value) in defaults { add(key, value, "default") }
        for name in variables {
            if let value = environment[name], name != "WAYBILL_DATABASE_URL" { add(name, value, "environment") }
        }
        return settings.sorted { $0.key < $1.key }
    }

    private static func fields(_ path: String?) throws -> [(key: String, value: YAMLField)] {
        guard let path, let bytes = FileManager.default.contents(atPath: path) else { return [] }
        do {
            return try YAMLField.root(yaml: String(decoding: bytes, as: UTF8.self), file: path).entries
        } catch {
            throw CommandError(.usage, error.description)
        }
    }

    /// A value on one line.
    private static func text(_ field: YAMLField) -> String {
        if let scalar = field.string { return scalar }
        let entries = field.entries
        if !entries.isEmpty {
            let parts = entries.map { "\($0.key): \(redacted(text($0.value), key: $0.key))" }
            return "{\(parts.joined(separator: ", "))}"
        }
        return "[\(field.items.map(text).joined(separator: ", "))]"
    }

    /// Without what is secret: passwords in URLs and connection strings, and values whose key says so.
    static func redacted(_ value: String, key: String) -> String {
        let name = key.lowercased()
        if ["password", "secret", "token", "private_key", "api_key"].contains(where: name.contains) { return "***" }
        var text = value
        if let scheme = text.range(of: "://"), let at = text[scheme.upperBound...].lastIndex(of: "@"),
            let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        {
            text.replaceSubrange(text.index(after: colon)..<at, with: "***")
        }
        return text.replacing(/(?i)(password\s*=\s*)('(\\.|[^'\\])*'|[^\s&]+)/) { "\($0.output.1)***" }
    }
}
