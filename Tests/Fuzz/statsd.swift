/// statsd lines in each dialect: whole, and as a TCP stream that is cut by the first byte.
struct StatsdSink: StatsdVisitor {
    let dialect: StatsdDialect
    var readings: [[UInt8]] = []
    var names: [[UInt8]] = []
    var refused = 0

    mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
        promise(delta >= 0 && delta <= StatsdLines.largestCount && !name.isEmpty, "a count is whole and bounded")
        keep(name, tags, delta)
    }

    mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) { keep(name, tags, value) }

    mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) { refused += 1 }

    private mutating func keep(_ name: Span<UInt8>, _ tags: Span<UInt8>, _ value: Int64) {
        readings.append(text(name) + Array("\(value)".utf8) + text(tags))
        names.append(text(name))
        StatsdTags.forEach(in: tags, dialect: dialect) { name, value in
            promise(!name.isEmpty && value.count <= tags.count, "a tag has a name")
        }
    }
}

/// Expects the names of an earlier reading of plain lines, in their order.
struct ExpectingSink: StatsdVisitor {
    let names: [[UInt8]]
    var next = 0
    var sink = StatsdSink(dialect: .plain)

    mutating func expectedName(at start: Int, of payload: Span<UInt8>) -> Int {
        guard next < names.count, names[next].count <= payload.count - start else { return 0 }
        for (offset, byte) in names[next].enumerated() where payload[start + offset] != byte { return 0 }
        return names[next].count
    }

    mutating func expectedCounter(delta: Int64) {
        let (name, tags) = (names[next], [UInt8]())
        sink.counter(name: name.span, tags: tags.span, delta: delta)
        next += 1
    }

    mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
        sink.counter(name: name, tags: tags, delta: delta)
        next += 1
    }

    mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) {
        sink.gauge(name: name, tags: tags, value: value)
        next += 1
    }

    mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) { sink.refused(reason, line: line) }
}

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    guard let first = input.first else { return 0 }
    let lines = Array(input.dropFirst())
    let dialect = StatsdDialect.allCases[Int(first) % 3]
    var whole = StatsdSink(dialect: dialect)
    StatsdLines.read(lines.span, dialect: dialect, into: &whole)
    if dialect == .plain {
        // Some names come as expected, the others do not.
        let names = whole.names.enumerated().map { index, name in index % 5 == 4 ? [name[0]] : name }
        var expecting = ExpectingSink(names: names)
        StatsdLines.read(lines.span, dialect: .plain, into: &expecting)
        promise(
            whole.readings == expecting.sink.readings && whole.refused == expecting.sink.refused,
            "an expectation changes nothing")
    }
    guard count < StatsdStream.longestLine else { return 0 }
    var pieces = StatsdSink(dialect: dialect)
    var stream = StatsdStream(dialect: dialect)
    let size = Int(first) + 1
    var position = 0
    while position < lines.count {
        stream.receive(Array(lines[position..<min(position + size, lines.count)]).span, into: &pieces)
        position += size
    }
    stream.receive([UInt8(ascii: "\n")].span, into: &pieces)
    promise(whole.readings == pieces.readings && whole.refused == pieces.refused, "cuts change nothing")
    return 0
}
