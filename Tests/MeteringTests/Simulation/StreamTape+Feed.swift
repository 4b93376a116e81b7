import Metering

/// A metric as it stands on the wire.
struct Metric: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case counter, gauge }

    var kind: Kind
    var name: String
    var value: Double

    static func counter(_ name: String, _ value: Int64) -> Metric {
        Metric(kind: .counter, name: name, value: Double(value))
    }

    static func gauge(_ name: String, _ value: Int64) -> Metric {
        Metric(kind: .gauge, name: name, value: Double(value))
    }
}

extension StreamTape {
    /// Takes one message the way a receiver does.
    mutating func feed(_ metrics: [Metric], sentMilliseconds: Int64, receivedAt: Timestamp) {
        receiveTime(sentMilliseconds: sentMilliseconds, receivedAt: receivedAt)
        for metric in metrics {
            guard wants(Array(metric.name.utf8).span) else { continue }
            switch metric.kind {
            case .counter: receiveCounter(metric.value)
            case .gauge: receiveGauge(metric.value)
            }
        }
    }

    /// Takes one flush of an Envoy whose clock is the worker's.
    mutating func feed(_ metrics: [Metric], at time: Timestamp) {
        feed(metrics, sentMilliseconds: time.microseconds / 1000, receivedAt: time)
    }
}

extension Timestamp {
    /// An instant of the test's day: `at(12, 14, 58)` is 2026-11-03T12:14:58Z.
    static func at(_ hour: Int64, _ minute: Int64, _ second: Int64 = 0) -> Timestamp {
        Timestamp(seconds: 1_793_664_000 + hour * 3600 + minute * 60 + second)
    }

    func plus(seconds: Int64) -> Timestamp { advanced(byMicroseconds: seconds * 1_000_000) }
}
