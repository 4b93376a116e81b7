import Testing

@testable import Metering

@Suite struct NameTableTests {
    private func number(_ name: String, in table: inout NameTable, limit: Int = .max) -> Int? {
        table.entry(for: Array(name.utf8).span, limit: limit)?.number
    }

    @Test("A hundred thousand names keep their numbers, in whatever order they come")
    func manyNames() {
        var random = SeededGenerator(seed: 1)
        var table = NameTable()
        // Names that differ at the end, at the beginning, and in their length alone.
        var names = (0..<50_000).map { "cluster.outbound|80||service-\($0).default.svc.cluster.local.upstream_rq_2xx" }
        names += (0..<49_000).map { "http.tenant.downstream_rq_completed.\($0)" }
        names += (0..<1000).map { String(repeating: "a", count: $0) }
        var wrong = 0
        for (index, name) in names.enumerated() where number(name, in: &table) != index { wrong += 1 }
        for _ in 0..<2 {
            for (index, name) in names.enumerated() where number(name, in: &table) != index { wrong += 1 }
        }
        let order = names.indices.shuffled(using: &random)
        for index in order where number(names[index], in: &table) != index { wrong += 1 }
        #expect(wrong == 0 && table.count == names.count)
        #expect(table.name(99_999) == names[99_999] && table.name(0) == names[0])
    }

    @Test("Names that come and go between flushes keep their numbers")
    func changingNames() {
        var random = SeededGenerator(seed: 2)
        var table = NameTable()
        var known: [String: Int] = [:]
        var wrong = 0
        for _ in 0..<300 {
            for index in 0..<60 where random.chance(70) {
                let name = "n\(index)"
                let found = number(name, in: &table)
                if let before = known[name], found != before { wrong += 1 }
                known[name] = found
            }
        }
        #expect(wrong == 0 && Set(known.values).count == known.count)
    }

    @Test("A name that comes twice in one flush is one name")
    func repeatedName() {
        var table = NameTable()
        for _ in 0..<3 {
            #expect(["a", "b", "a", "a", "c"].map { number($0, in: &table) } == [0, 1, 0, 0, 2])
        }
    }

    @Test("A full table knows its names and takes no other")
    func limit() {
        var table = NameTable()
        #expect(["a", "b", "c", "a", "c"].map { number($0, in: &table, limit: 2) } == [0, 1, nil, 0, nil])
        #expect(number("c", in: &table, limit: 3) == 2)
    }
}
