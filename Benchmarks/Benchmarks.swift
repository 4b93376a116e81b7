/// What performance is measured with: `make bench [BENCH="name …"]`. It prints figures and judges none; docs/performance.md
/// holds them with machine, date and command.
@main
enum Benchmarks {
    static func main() async throws {
        if CommandLine.arguments.dropFirst().first == "--client" {
            return try await BenchmarkClient.main(Array(CommandLine.arguments.dropFirst(2)))
        }
        let all =
            IngestBenchmarks.all + DeltaBenchmarks.all + SocketBenchmarks.all + LoadBalancerBenchmarks.all
            + PricingBenchmarks.all
            + StoreBenchmarks.all + QueryBenchmarks.all + FinalizeBenchmarks.all
        let wanted = CommandLine.arguments.dropFirst()
        // No measurement of its own: what scripts/bench-rest asks.
        if wanted == ["rest-server"] { return try await RESTServer.run() }
        let unknown = wanted.filter { name in !all.contains { $0.name == name } }
        guard unknown.isEmpty else {
            print("unknown: \(unknown.joined(separator: " ")); there are \(all.map(\.name).joined(separator: ", "))")
            return
        }
        for benchmark in all where wanted.isEmpty || wanted.contains(benchmark.name) {
            print("\(benchmark.name): \(benchmark.title)")
            try await benchmark.run(Stopwatch())
        }
    }
}

struct Benchmark: Sendable {
    let name: String
    let title: String
    let run: @Sendable (Stopwatch) async throws -> Void

    init(_ name: String, _ title: String, _ run: @escaping @Sendable (Stopwatch) async throws -> Void) {
        self.name = name
        self.title = title
        self.run = run
    }
}

/// Runs work three times and prints each time and the best rate.
struct Stopwatch {
    func measure(_ amount: Int64, _ unit: String, _ label: String = "", _ work: () throws -> Void) rethrows {
        let clock = ContinuousClock()
        var best = Duration.seconds(1_000_000)
        var times: [String] = []
        for _ in 0..<3 {
            let time = try clock.measure(work)
            best = min(best, time)
            times.append("\(milliseconds(time)) ms")
        }
        let perSecond = amount * 1_000_000 / max(1, microseconds(best))
        print("  \(label.isEmpty ? "" : label + ": ")\(times.joined(separator: ", ")); best \(perSecond) \(unit)/s")
    }

    private func microseconds(_ time: Duration) -> Int64 {
        time.components.seconds * 1_000_000 + time.components.attoseconds / 1_000_000_000_000
    }

    private func milliseconds(_ time: Duration) -> Int64 { microseconds(time) / 1000 }
}
