/// How long to wait before each new attempt: doubling from `first` to `limit`, of which a random half to whole is taken
/// so that many clients of a restarted server do not come back in step.
struct Backoff {
    var first: Duration = .milliseconds(50)
    var limit: Duration = .seconds(2)
    private var attempts = 0

    init(first: Duration = .milliseconds(50), limit: Duration = .seconds(2)) {
        self.first = first
        self.limit = limit
    }

    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let full = min(first * (1 << min(attempts, 20)), limit)
        attempts += 1
        return full * Int.random(in: 500...1_000, using: &generator) / 1_000
    }

    mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }
}
