import Metering
import WireFormats

/// Scrapes. Each is a stream of its own, so that rule 4 tells whether its process is the one of the scrape before.
struct PrometheusReplay: ReplayReader {
    /// Scrapes without a time are placed by their process's uptime.
    private var last: (time: Timestamp, life: PrometheusLife)?
    private var ambiguous: (names: Int, example: String)?

    mutating func take(
        _ entry: CaptureFile.Entry, ofFile file: Int, at path: String, into book: inout ReplayBook
    ) throws {
        guard let payload = entry.payload else { return }
        let life = PrometheusLife(payload.span)
        let time = entry.arrivedAt > 0 ? Timestamp(microseconds: entry.arrivedAt) : place(life)
        last = (time, life)
        var feed = PrometheusFeed(
            tape: StreamTape(stream: book.nextStreamID(), source: .prometheus, collect: book.options.collect),
            ignoring: book.options.ignoredTags)
        do {
            try feed.receive(payload.span, at: time)
        } catch {
            book.notes.insert("\(path): a scrape is cut off (\(error)); its counters before that place were read")
        }
        if feed.malformed > 0 { book.notes.insert("\(path): \(feed.malformed) lines are no samples") }
        if let found = feed.ambiguous, found.names > ambiguous?.names ?? 0 { ambiguous = found }
        let identity = StreamIdentity(
            gateway: "", instance: book.options.instance ?? StreamIdentity.unknown, bootID: nil)
        feed.tape.end()
        try book.commit(&feed.tape, of: identity)
        book.close(feed.tape, of: identity)
    }

    mutating func end(into book: inout ReplayBook) throws {
        guard let ambiguous else { return }
        book.notes.insert(
            "\(ambiguous.names) names hold parts of the configuration in which Prometheus writes _ for other characters, "
                + "such as \(ambiguous.example): two of Envoy's can come out as one")
    }

    private func place(_ life: PrometheusLife) -> Timestamp {
        let uptime = (life.uptime ?? 0) * 1_000_000
        guard let last else { return Timestamp(microseconds: uptime + 1_000_000) }
        let before = (last.life.uptime ?? 0) * 1_000_000
        if uptime > before, life.hotRestartEpoch == last.life.hotRestartEpoch {
            return last.time.advanced(byMicroseconds: uptime - before)
        }
        // Another process, which began after the scrape before; or one scrape twice in a second.
        return last.time.advanced(byMicroseconds: uptime < before ? uptime + 2_000_000 : 1)
    }
}
