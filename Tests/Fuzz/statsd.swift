/// statsd lines in each dialect: whole, and as a TCP stream that is cut by the first byte.
struct StatsdSink: StatsdVisitor {
    let dialect: StatsdDialect
    var readings: [[UInt8]] = []
    var refused = 0

    mutating func counter(name: Span<UInt8>, tags: Span<UInt8>, delta: Int64) {
        promise(delta >= 0 && delta <= StatsdLines.largestCount && !name.isEmpty, "a count is whole and bounded")
        keep(name, tags, delta)
    }

    mutating func gauge(name: Span<UInt8>, tags: Span<UInt8>, value: Int64) { keep(name, tags, value) }

    mutating func refused(_ reason: StatsdRefusal, line: Span<UInt8>) { refused += 1 }

    private mutating func keep(_ name: Span<UInt8>, _ tags: Span<UInt8>, _ value: Int64) {
        readings.append(text(name) + Array("\(value)".utf8) + text(tags))
        StatsdTags.forEach(in: tags, dialect: dialect) { name, value in
            promise(!name.isEmpty && value.count <= tags.count, "a tag has a name")
        }
    }
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
