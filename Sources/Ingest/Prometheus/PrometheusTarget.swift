internal import Glibc

/// Where an Envoy's counters are pulled from.
package struct PrometheusTarget: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int
    package var path: String

    /// `http://10.0.0.7:8002/stats/prometheus`, `10.0.0.7:8002`: nil for what is neither. HTTPS is not spoken.
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
        } else if rest.contains("://") {
            return nil
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = slash == rest.endIndex ? "/stats/prometheus" : String(rest[slash...])
        let authority = rest[..<slash]
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = authority[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    package var description: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)\(path)" }

    /// The name of the instance that it is, unless the configuration gives another.
    package var instance: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// One target for each address that the host's name has now: a Kubernetes headless service names all its pods. Blocks.
    ///
    /// - Throws: a text for the operator.
    func resolved() throws -> [PrometheusTarget] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = AF_UNSPEC
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &found)
        guard status == 0 else {
            throw HTTPGet.Failure(description: "\(host) can not be looked up: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(found) }
        var targets: [PrometheusTarget] = []
        var next = found
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
            {
                var target = self
                target.host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !targets.contains(target) { targets.append(target) }
            }
            next = entry.pointee.ai_next
        }
        return targets
    }
}
