/// The readings of each counter of some segments, in the order of time; at equal times the maximum.
///
/// They lie one after another, counter by counter. An instance's quarter hour is mostly one segment, whose runs lie in
/// this order already: no table of arrays is made for it, and what was read before is matched by slots.
struct CounterReadings {
    /// The counters that were read, in the order of their slots, or of their numbers where there are several segments.
    private(set) var counters: [CounterID] = []
    /// By counter: where its readings end.
    private var ends: [Int] = []
    private var readings: [Reading] = []
    /// Of one segment: its counters, and by counter the slot. Empty otherwise.
    private var set: [CounterID] = []
    private var slots: [Int] = []

    init(of segments: [Segment]) throws {
        if segments.count == 1 {
            try self.init(of: segments[0])
        } else {
            try self.init(ofSeveral: segments)
        }
    }

    private init(of segment: Segment) throws {
        set = segment.counters
        counters.reserveCapacity(set.count)
        ends.reserveCapacity(set.count)
        slots.reserveCapacity(set.count)
        readings.reserveCapacity(set.count * 2)
        var begin = 0
        var slotBefore = -1
        try segment.forEachRun { slot, counter, run in
            if slot != slotBefore {
                if slotBefore >= 0 { close(&begin) }
                slotBefore = slot
                counters.append(counter)
                slots.append(slot)
            }
            readings.append(run.first)
            if run.peak != run.first { readings.append(run.peak) }
        }
        if slotBefore >= 0 { close(&begin) }
    }

    private init(ofSeveral segments: [Segment]) throws {
        var points: [CounterID: [Reading]] = [:]
        for segment in segments {
            try segment.forEachRun { counter, run in
                points[counter, default: []].append(run.first)
                if run.peak != run.first { points[counter, default: []].append(run.peak) }
            }
        }
        var begin = 0
        for (counter, read) in points.sorted(by: { $0.key < $1.key }) {
            counters.append(counter)
            readings += read
            close(&begin)
        }
    }

    /// Ends a counter: puts its readings in order, and of those at one time keeps the largest.
    private mutating func close(_ begin: inout Int) {
        defer {
            ends.append(readings.count)
            begin = readings.count
        }
        var isAscending = true
        for index in (begin + 1)..<max(readings.count, begin + 1) where readings[index].time <= readings[index - 1].time
        {
            isAscending = false
        }
        if isAscending { return }
        let sorted = readings[begin...].sorted { ($0.time, $0.value) < ($1.time, $1.value) }
        readings.removeSubrange(begin...)
        for reading in sorted {
            if readings.count > begin, readings[readings.count - 1].time == reading.time { readings.removeLast() }
            readings.append(reading)
        }
    }

    /// A counter's readings, by its place in `counters`.
    func readings(at index: Int) -> ArraySlice<Reading> {
        readings[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// For each counter of others its place here; nil where it was not read here.
    func matches(of others: CounterReadings) -> [Int?] {
        guard !counters.isEmpty else { return [Int?](repeating: nil, count: others.counters.count) }
        guard !set.isEmpty, set == others.set else {
            let places = Dictionary(zip(counters, counters.indices)) { first, _ in first }
            return others.counters.map { places[$0] }
        }
        var place = 0
        return others.slots.map { slot in
            while place < slots.count, slots[place] < slot { place += 1 }
            return place < slots.count && slots[place] == slot ? place : nil
        }
    }
}
