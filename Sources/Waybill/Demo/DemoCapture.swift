import Foundation
import Ingest
import Logging
import Metering
import StrictYAML
import UsageStore

/// A capture of the demo's Envoy, with what was sent to it: for machines without an Envoy.
struct DemoCapture {
    /// When it began.
    let time: Timestamp
    /// Answered requests by tenant.
    let sent: [String: Int64]
    private let capture: CaptureFile

    static func shipped() throws -> DemoCapture {
        let path = try ConfigurationFiles.file("config/envoy/demo-capture/metrics.bin.gz")
        let truth = try ConfigurationFiles.file("config/envoy/demo-capture/sent.yaml")
        do {
            let text = try String(contentsOfFile: truth, encoding: .utf8)
            let tenants = try YAMLField.root(yaml: text, file: truth).keys(allowed: ["acme", "globex", "initech"])
            let capture = try CaptureFile(path: path)
            guard let first = capture.entries.first else {
                throw CommandError(.failure, "\(path) holds no payload")
            }
            return DemoCapture(
                time: Timestamp(microseconds: first.arrivedAt),
                sent: try tenants.mapValues { try $0.integer(atLeast: 0) }, capture: capture)
        } catch let error as ReplayError {
            throw CommandError(.failure, error.description)
        } catch let error as YAMLFieldError {
            throw CommandError(.failure, error.description)
        }
    }

    /// Gives the payloads to a worker as if they came now, at the times at which they came.
    func meter(in store: UsageStore, gateway: String) async throws {
        let texts = try MetersFiles.read([])
        try await store.putInForce(meters: texts, now: time)
        // The gateway was metered before the capture began: so its Envoy's counters are billed from 0.
        try await store.declare(gateway: gateway, meteringSince: time.advanced(byMicroseconds: -3_600_000_000))
        let worker = IngestWorker(
            store: store, collect: try MetersFiles.meters(texts).collect, configuration: .init(),
            logger: Logger.command, now: { WallClock.now() })
        let stream = await worker.open(peer: "capture")
        for entry in capture.entries {
            guard let payload = entry.payload else { continue }
            try await stream.receive(payload, receivedAt: entry.arrivedAt)
        }
        await stream.end(.closedByPeer)
        try await worker.commit()
    }
}
