import Foundation
import StrictYAML
import UsageStore

/// `--config FILE`, or `config/waybill.yaml` where an operator keeps one: what flags and environment leave open.
struct SettingsFile {
    var dataDirectory: String?
    var databaseURL: String?
    var grpcListen: String?
    var apiListen: String?
    var commitInterval: String?
    var aggregateInterval: String?
    var meters: [String] = []
    var ingest = IngestSettings()
    var retention = Retention.standard
    var coverageThreshold: String?

    private static let keys =
        [
            "data_dir", "database_url", "grpc_listen", "api_listen", "commit_interval", "aggregate_interval", "meters",
            "retain_tapes_days", "retain_quarter_hours_months", "coverage_threshold",
        ] + IngestSettings.keys

    /// An empty one without a path.
    static func read(_ path: String?) throws -> SettingsFile {
        guard let path else { return SettingsFile() }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "--config \(path): the file can not be read")
        }
        do {
            let fields = try YAMLField.root(yaml: String(decoding: bytes, as: UTF8.self), file: path).keys(
                allowed: keys)
            var settings = SettingsFile()
            settings.dataDirectory = try fields["data_dir"]?.text()
            settings.databaseURL = try fields["database_url"]?.text()
            settings.grpcListen = try fields["grpc_listen"]?.text()
            settings.apiListen = try fields["api_listen"]?.text()
            settings.commitInterval = try fields["commit_interval"]?.text()
            settings.aggregateInterval = try fields["aggregate_interval"]?.text()
            settings.meters = try fields["meters"]?.elements().map { try $0.text() } ?? []
            if let days = try fields["retain_tapes_days"]?.integer(atLeast: 40) {
                settings.retention.tapeDays = days
            }
            if let months = try fields["retain_quarter_hours_months"]?.integer(atLeast: 2) {
                settings.retention.quarterHourMonths = months
            }
            settings.coverageThreshold = try fields["coverage_threshold"]?.text()
            settings.ingest = try IngestSettings(fields)
            return settings
        } catch let error as YAMLFieldError {
            throw CommandError(.usage, error.description)
        }
    }
}
