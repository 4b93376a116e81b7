/// The tags of one statsd line.
package enum StatsdTags {
    /// Calls `body` for each tag, in the order of the line.
    ///
    /// Envoy escapes nothing, so a value may hold the separator: `envoy.virtual_host:t#1,x,envoy.route:rt` has two tags. A
    /// piece begins a tag only if what stands before its first assignment looks like a tag's name (a letter or `_`, then
    /// letters, digits, `_`, `.` and `-`); else it goes on with the value before it. What still can be read in two ways
    /// (a virtual host called `a,b:c`) is read as two tags.
    ///
    /// - Parameter tags: what `StatsdVisitor` was given.
    package static func forEach(
        in tags: Span<UInt8>, dialect: StatsdDialect, _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void
    ) {
        let separator = dialect == .graphite ? UInt8(ascii: ";") : UInt8(ascii: ",")
        let assignment = dialect == .graphite ? UInt8(ascii: "=") : UInt8(ascii: ":")
        var name = 0..<0
        var valueStart = 0
        var piece = 0
        while piece <= tags.count {
            if let end = nameEnd(tags, from: piece, assignment) {
                if !name.isEmpty { body(tags.extracting(name), tags.extracting(valueStart..<(piece - 1))) }
                name = piece..<end
                valueStart = end + 1
            }
            while piece < tags.count, tags[piece] != separator { piece += 1 }
            piece += 1
        }
        if !name.isEmpty { body(tags.extracting(name), tags.extracting(valueStart..<tags.count)) }
    }

    /// Where a tag's name that begins at `start` ends: at an assignment.
    private static func nameEnd(_ tags: Span<UInt8>, from start: Int, _ assignment: UInt8) -> Int? {
        var index = start
        while index < tags.count {
            let byte = tags[index]
            if byte == assignment { return index > start ? index : nil }
            let isLetter = (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "_")
            let isInner = byte &- 48 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            guard isLetter || (isInner && index > start) else { return nil }
            index += 1
        }
        return nil
    }
}
