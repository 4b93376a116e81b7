/// What to send to one tenant's listener. Several plans of one tenant add up.
package struct LoadPlan: Sendable {
    package var tenant: String
    /// The listener's port on 127.0.0.1.
    package var port: Int
    /// How many requests to send: exactly so many, none of them twice.
    package var requests: Int
    /// The status that the upstream is asked to answer with.
    package var status: Int
    package var requestBodyBytes: Int
    package var responseBodyBytes: Int
    /// A fresh connection after so many requests.
    package var requestsPerConnection: Int
    /// How many connections are open at the same time, at most.
    package var connections: Int
    /// The highest rate, over all connections; as fast as answers come if nil.
    package var requestsPerSecond: Int?
    /// How long a refused connection is tried again. Nothing is sent on one, so no request is repeated.
    package var connectPatience: Duration

    package init(
        tenant: String, port: Int, requests: Int, status: Int = 200, requestBodyBytes: Int = 0,
        responseBodyBytes: Int = 0, requestsPerConnection: Int = 100, connections: Int = 4,
        requestsPerSecond: Int? = nil, connectPatience: Duration = .zero
    ) {
        self.tenant = tenant
        self.port = port
        self.requests = requests
        self.status = status
        self.requestBodyBytes = requestBodyBytes
        self.responseBodyBytes = responseBodyBytes
        self.requestsPerConnection = max(1, requestsPerConnection)
        self.connections = max(1, connections)
        self.requestsPerSecond = requestsPerSecond
        self.connectPatience = connectPatience
    }

    var path: String { "/status/\(status)/bytes/\(responseBodyBytes)" }
}

/// What became of a load's requests. `started` = `answered` + `unanswered` + `unsent` once it is done.
package struct LoadOutcome: Sendable, Equatable {
    /// Requests taken up so far.
    package var started = 0
    /// Requests whose whole answer came, by status.
    package var answeredByStatus: [Int: Int] = [:]
    /// Requests that were sent, at least in part, and had no whole answer. Envoy may have counted them or not.
    package var unanswered = 0
    /// Requests for which there was no connection: nothing of them was sent.
    package var unsent = 0
    /// Connections that were made.
    package var connections = 0
    /// What went wrong, and how often.
    package var failures: [String: Int] = [:]

    package init() {}

    /// Requests whose whole answer came.
    package var answered: Int { answeredByStatus.values.reduce(0, +) }
}
