extension [TrafficHour] {
    /// Every hour from `from` up to `to` (microseconds since 1970, on the hour), idle where none is listed.
    ///
    /// A load balancer costs its hour without traffic too: a metered month is filled before it is compared. Hours
    /// outside of the stretch stay.
    package func filled(from: Int64, to: Int64) -> [TrafficHour] {
        let listed = Set(map(\.start))
        let idle = stride(from: from, to: to, by: Int64.Stride(Instant.hour)).filter { !listed.contains($0) }.map {
            start in
            TrafficHour(start: start, requests: 0, newConnections: 0, activeConnections: .zero, bytes: 0)
        }
        return (self + idle).sorted { $0.start < $1.start }
    }
}
