/// Puts the lines of a statsd TCP stream together again: a read ends anywhere.
package struct StatsdStream: Sendable {
    /// A longer line is refused and passed over to its end.
    package static let longestLine = 8192

    package let dialect: StatsdDialect
    /// The line begun by the reads before.
    private var begun: [UInt8] = []
    private var isPassingOver = false

    package init(dialect: StatsdDialect) {
        self.dialect = dialect
    }

    /// Reads the lines that `chunk` completes.
    package mutating func receive<Visitor: StatsdVisitor & ~Copyable>(
        _ chunk: Span<UInt8>, into visitor: inout Visitor
    ) {
        var start = 0
        if !begun.isEmpty || isPassingOver {
            guard let end = firstLineEnd(chunk) else { return keep(chunk, into: &visitor) }
            keep(chunk.extracting(0..<end), into: &visitor)
            if !isPassingOver { StatsdLines.read(begun.span, dialect: dialect, into: &visitor) }
            begun.removeAll(keepingCapacity: true)
            isPassingOver = false
            start = end + 1
        }
        var end = chunk.count
        while end > start, chunk[end - 1] != StatsdLines.newline { end -= 1 }
        if end > start { StatsdLines.read(chunk.extracting(start..<end), dialect: dialect, into: &visitor) }
        if end < chunk.count { keep(chunk.extracting(end..<chunk.count), into: &visitor) }
    }

    /// The stream has ended. A line without its end is dropped: a value that was cut off is another value.
    package mutating func end() {
        begun = []
        isPassingOver = false
    }

    private mutating func keep<Visitor: StatsdVisitor & ~Copyable>(
        _ bytes: Span<UInt8>, into visitor: inout Visitor
    ) {
        guard !isPassingOver else { return }
        guard begun.count + bytes.count <= Self.longestLine else {
            visitor.refused(.tooLong, line: begun.span)
            begun.removeAll(keepingCapacity: true)
            isPassingOver = true
            return
        }
        for index in bytes.indices { begun.append(bytes[index]) }
    }

    private func firstLineEnd(_ chunk: Span<UInt8>) -> Int? {
        for index in chunk.indices where chunk[index] == StatsdLines.newline { return index }
        return nil
    }
}
