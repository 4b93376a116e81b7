extension StreamTape {
    /// What a stream read in one quarter hour, before it is encoded: the run that goes on and those that ended, by slot.
    struct Page: Sendable {
        let quarterHour: QuarterHour
        var revision: Int64 = 0
        private let firstFlush: Timestamp
        private var lastFlush: Timestamp
        private var flushes: Int64 = 0
        private var busiestFlush: Int64 = 0
        /// By Envoy's clock: the first flush of each minute, and the last four.
        private var minuteFlushes: [Timestamp] = []
        private var recentFlushes: [Timestamp] = []
        private var current: [Run?] = []
        private var ended: [Int: [Run]] = [:]
        private var gauges: [[Int64?]] = []

        init(quarterHour: QuarterHour, firstFlush: Timestamp) {
            self.quarterHour = quarterHour
            self.firstFlush = firstFlush
            lastFlush = firstFlush
        }

        mutating func beginFlush(at time: Timestamp, sentAt: Timestamp, revision: Int64) {
            self.revision = revision
            lastFlush = time
            flushes += 1
            if recentFlushes.count == 4 { recentFlushes.removeFirst() }
            recentFlushes.append(sentAt)
            if minuteFlushes.count < GaugeMinutes.count, minuteFlushes.last?.minute != sentAt.minute {
                minuteFlushes.append(sentAt)
            }
        }

        mutating func endFlush(requests: Int64) {
            busiestFlush = max(busiestFlush, requests)
        }

        mutating func record(_ value: Int64, slot: Int, at time: Timestamp) {
            while current.count <= slot { current.append(nil) }
            guard let run = current[slot] else {
                let reading = Self.reading(value, at: time, after: ended[slot]?.last)
                current[slot] = Run(first: reading, peak: reading)
                return
            }
            let reading = Self.reading(value, at: time, after: run)
            if value >= run.peak.value {
                current[slot]?.peak = reading
            } else {
                ended[slot, default: []].append(run)
                current[slot] = Run(first: reading, peak: reading)
            }
        }

        /// The order of arrival counts. A reset at an equal time is put just after the peak, so that it is not taken for
        /// a duplicate of it.
        private static func reading(_ value: Int64, at time: Timestamp, after run: Run?) -> Reading {
            guard let peak = run?.peak else { return Reading(time: time, value: value) }
            let earliest = value < peak.value ? peak.time.advanced(byMicroseconds: 1) : peak.time
            return Reading(time: max(time, earliest), value: value)
        }

        mutating func recordGauge(_ value: Int64, slot: Int, at time: Timestamp) {
            while gauges.count <= slot { gauges.append(Array(repeating: nil, count: GaugeMinutes.count)) }
            gauges[slot][GaugeMinutes.slot(of: time, in: quarterHour)] = value
        }

        mutating func closeRuns() {
            for slot in current.indices {
                guard let run = current[slot] else { continue }
                ended[slot, default: []].append(run)
                current[slot] = nil
            }
        }

        func isUnread(_ slot: Int) -> Bool {
            (slot >= current.count || current[slot] == nil) && ended[slot] == nil
        }

        var heldReadings: Int { current.count + ended.values.reduce(0) { $0 + $1.count } }

        func first(_ slot: Int) -> Reading? {
            if let run = ended[slot]?.first { return run.first }
            return slot < current.count ? current[slot]?.first : nil
        }

        /// The last reading of each counter.
        var latest: [Int: Reading] {
            var latest: [Int: Reading] = ended.compactMapValues { $0.last?.peak }
            for slot in current.indices {
                if let run = current[slot] { latest[slot] = run.peak }
            }
            return latest
        }

        func segment(
            stream: StreamID, temporality: Temporality, counters: [CounterID], gauges gaugeIDs: [CounterID]
        ) -> Segment {
            var body = SegmentBody.Writer(firstFlush: firstFlush, lastFlush: lastFlush, slots: current.count)
            for slot in counters.indices {
                let run = slot < current.count ? current[slot] : nil
                if let runs = ended[slot] {
                    body.append(runs + [run].compactMap(\.self))
                } else if let run {
                    body.append(run)
                } else {
                    body.append([])
                }
            }
            var gaugeBody: [UInt8] = []
            for minutes in gauges {
                var present: UInt64 = 0
                for minute in minutes.indices where minutes[minute] != nil { present |= 1 << UInt64(minute) }
                gaugeBody.appendVarint(present)
                for case let value? in minutes { gaugeBody.appendVarint(UInt64(value)) }
            }
            let comparable = minuteFlushes.filter { !recentFlushes.contains($0) } + recentFlushes
            return Segment(
                stream: stream, quarterHour: quarterHour, revision: revision, firstFlush: firstFlush,
                lastFlush: lastFlush, flushes: flushes, busiestFlush: busiestFlush, recentFlushes: comparable,
                counters: counters,
                gauges: gaugeIDs, body: body.finish(), gaugeBody: gaugeBody, temporality: temporality
            )
        }
    }
}
