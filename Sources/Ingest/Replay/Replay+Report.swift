extension Replay {
    /// What `waybill replay --format json` prints.
    package struct Report: Encodable, Hashable, Sendable {
        package struct Counter: Encodable, Hashable, Sendable {
            package var instance: String
            package var name: String
            package var usage: Int64
            package var epochs: Int
            package var resets: Int
        }

        package struct Instance: Encodable, Hashable, Sendable {
            package var instance: String
            package var epochs: Int
        }

        /// Time in which something was counted that is not in the capture.
        package struct Loss: Encodable, Hashable, Sendable {
            package enum Reason: String, Encodable, Sendable {
                /// Deltas of flushes that did not arrive are never sent again.
                case silence
                /// An epoch's last reading was not an orderly one: what came after it was never read.
                case tail
            }

            package var instance: String
            package var reason: Reason
            package var from: String
            /// Nil for a tail: when the process ended is not known.
            package var to: String?
            /// Flushes that should have come in between.
            package var flushes: Int?
        }

        /// What access logs show.
        package struct Evidence: Encodable, Hashable, Sendable {
            package var prefix: String
            package var route: String
            /// The cluster that counts it; empty for none.
            package var cluster: String
            package var answered: Int64
            package var unanswered: Int64
            package var internalRedirects: Int64
            package var connections: Int64
        }

        package var counters: [Counter] = []
        package var instances: [Instance] = []
        package var losses: [Loss] = []
        package var evidence: [Evidence] = []
        package var notes: [String] = []
    }
}
