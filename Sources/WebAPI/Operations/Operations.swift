package import Hummingbird
package import Logging
package import UsageStore

/// `/healthz`, `/readyz` and `/metrics`, on a listener of their own, without keys: for probes and for Prometheus.
package struct Operations: Sendable {
    private let store: UsageStore
    private let statistics: RequestStatistics
    /// A queue that is older than this is not being worked on. Unit: seconds.
    private let tolerableLag: Int64
    /// Further metrics in Prometheus' text format, each line ended.
    private let furtherMetrics: @Sendable () -> String

    package init(
        _ store: UsageStore, statistics: RequestStatistics, tolerableLag: Int64 = 900,
        furtherMetrics: @escaping @Sendable () -> String = { "" }
    ) {
        self.store = store
        self.statistics = statistics
        self.tolerableLag = tolerableLag
        self.furtherMetrics = furtherMetrics
    }

    package func router() -> Router<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.get("/healthz") { _, _ in Self.text("ok\n") }
        router.get("/readyz") { _, context in await ready(context.logger) }
        router.get("/metrics") { _, context in await metrics(context.logger) }
        return router
    }

    package func application(
        host: String, port: Int, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) -> any ApplicationProtocol {
        Application(
            router: router(),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "waybill"),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }

    private static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private func ready(_ logger: Logger) async -> Response {
        do {
            let state = try await store.operationalState()
            var failures: [String] = []
            if state.lagSeconds > tolerableLag {
                failures.append("aggregation lags by \(state.lagSeconds) s (\(state.waiting) changes wait)")
            }
            return failures.isEmpty
                ? Self.text("ready\n") : Self.text(failures.joined(separator: "\n") + "\n", status: .serviceUnavailable)
        } catch {
            logger.error("not ready", metadata: ["error": "\(error)"])
            return Self.text("the database can not be used\n", status: .serviceUnavailable)
        }
    }

    private func metrics(_ logger: Logger) async -> Response {
        var text = MetricsText()
        text.family("waybill_http_requests_total", "counter", "Requests by endpoint and status.")
        for (key, count) in statistics.all {
            text.sample(
                "waybill_http_requests_total",
                [("method", key.method), ("path", key.path), ("status", String(key.status))], "\(count.requests)")
        }
        text.family(
            "waybill_http_request_microseconds_total", "counter", "Time spent answering, by endpoint and status.")
        for (key, count) in statistics.all {
            text.sample(
                "waybill_http_request_microseconds_total",
                [("method", key.method), ("path", key.path), ("status", String(key.status))], "\(count.duration)")
        }
        let state = try? await store.operationalState()
        text.family("waybill_database_up", "gauge", "1 when the database answers.")
        text.sample("waybill_database_up", [], state == nil ? "0" : "1")
        if let state {
            text.family("waybill_aggregation_waiting", "gauge", "Changes that wait for the aggregation.")
            text.sample("waybill_aggregation_waiting", [], "\(state.waiting)")
            text.family("waybill_aggregation_lag_seconds", "gauge", "Age of the oldest change that waits.")
            text.sample("waybill_aggregation_lag_seconds", [], "\(state.lagSeconds)")
            text.family(
                "waybill_last_reading_age_seconds", "gauge", "Age of the newest reading of any Envoy; -1: none.")
            text.sample("waybill_last_reading_age_seconds", [], "\(state.readingAgeSeconds ?? -1)")
        }
        return Self.text(text.text + furtherMetrics())
    }
}

/// Prometheus' text format. Source: prometheus.io, "Exposition formats", 0.0.4.
struct MetricsText {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        let pairs = labels.map { label, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(label)=\"\(escaped)\""
        }
        text += name + (pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") + " \(value)\n"
    }
}
