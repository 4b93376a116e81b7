/// Reads the lines of a statsd payload: a datagram, or complete lines of a TCP stream.
///
/// ```
/// line     = name ":" value "|" type [ "|@" rate ] [ "|#" tags ]
/// type     = "c" | "g" | "ms" | "h" | "d" | "s"
/// ```
///
/// Lines are separated by `\n`; the last one may lack it. Envoy escapes nothing: a name may hold `:`, `|`, `#`, `,` and
/// spaces. So plain and graphite lines are taken apart from their end, and dogstatsd lines, which end in tags, at the first
/// place where a value and a type stand. Nothing is allocated. Hostile input costs no more than its own length, and ends in
/// a refusal of its line.
package enum StatsdLines {
    /// The largest count of a line: 2^53, as with all other sources.
    package static let largestCount: Int64 = 1 << 53

    package static func read<Visitor: StatsdVisitor & ~Copyable>(
        _ payload: Span<UInt8>, dialect: StatsdDialect, into visitor: inout Visitor
    ) {
        var start = 0
        while start < payload.count {
            if dialect == .plain, let next = readExpected(at: start, of: payload, into: &visitor) {
                start = next
                continue
            }
            var end = start
            while end < payload.count, payload[end] != newline { end &+= 1 }
            if end > start { read(start..<end, of: payload, dialect, into: &visitor) }
            start = end &+ 1
        }
    }

    /// Reads a line of the name that is expected and a counter's plain value. Nothing has to be looked for in it, and it
    /// can not be read otherwise: between the name and the line's end are no other `:` and `|`.
    ///
    /// - Returns: where the next line begins; nil where this one has to be taken apart.
    @inline(__always)
    private static func readExpected<Visitor: StatsdVisitor & ~Copyable>(
        at start: Int, of payload: Span<UInt8>, into visitor: inout Visitor
    ) -> Int? {
        let name = visitor.expectedName(at: start, of: payload)
        guard name > 0, start &+ name < payload.count, payload[start &+ name] == colon else { return nil }
        let digits = start &+ name &+ 1
        var index = digits
        var value: Int64 = 0
        // 15 digits are less than the largest count.
        let longest = min(payload.count, digits &+ 15)
        while index < longest, isDigit(payload[index]) {
            value = value &* 10 &+ Int64(payload[index] &- 48)
            index &+= 1
        }
        guard index > digits, index &+ 1 < payload.count, payload[index] == pipe,
            payload[index &+ 1] == UInt8(ascii: "c"), index &+ 2 == payload.count || payload[index &+ 2] == newline
        else { return nil }
        visitor.expectedCounter(delta: value)
        return index &+ 3
    }

    @inline(__always)
    private static func read<Visitor: StatsdVisitor & ~Copyable>(
        _ whole: Range<Int>, of payload: Span<UInt8>, _ dialect: StatsdDialect, into visitor: inout Visitor
    ) {
        var line = whole
        // Some senders end lines by \r\n.
        if payload[line.upperBound &- 1] == carriageReturn {
            line = line.lowerBound..<(line.upperBound &- 1)
            if line.isEmpty { return }
        }
        guard let parts = dialect == .dogstatsd ? fromStart(line, of: payload) : fromEnd(line, of: payload) else {
            return visitor.refused(.malformed, line: payload.extracting(line))
        }
        let type = StatsdType(parts.type, of: payload)
        switch type {
        case .timer: return
        case .unknown: return visitor.refused(.unknownType, line: payload.extracting(line))
        case .counter, .gauge: break
        }
        guard !parts.isSampled else { return visitor.refused(.sampled, line: payload.extracting(line)) }
        let number: Int64
        switch StatsdNumber(parts.value, of: payload) {
        case .whole(let value): number = value
        case .refused(let reason):
            let isRelative = type == .gauge && reason == .negative
            return visitor.refused(isRelative ? .relativeGauge : reason, line: payload.extracting(line))
        }
        var name = parts.name
        var tags = parts.tags
        if dialect == .graphite {
            for index in name where payload[index] == semicolon {
                tags = (index &+ 1)..<name.upperBound
                name = name.lowerBound..<index
                break
            }
        }
        guard !name.isEmpty else { return visitor.refused(.malformed, line: payload.extracting(line)) }
        if type == .counter {
            visitor.counter(name: payload.extracting(name), tags: payload.extracting(tags), delta: number)
        } else {
            visitor.gauge(name: payload.extracting(name), tags: payload.extracting(tags), value: number)
        }
    }

    /// Where the parts of a line stand.
    private struct Parts {
        var name: Range<Int>
        var value: Range<Int>
        var type: Range<Int>
        var tags: Range<Int>
        var isSampled = false
    }

    /// The last `|` is before the type, or before a rate; the last `:` before it is before the value.
    @inline(__always)
    private static func fromEnd(_ line: Range<Int>, of payload: Span<UInt8>) -> Parts? {
        guard var bar = last(pipe, in: line, of: payload) else { return nil }
        var typeEnd = line.upperBound
        var isSampled = false
        if bar &+ 1 < typeEnd, payload[bar &+ 1] == at {
            isSampled = !isOne((bar &+ 2)..<typeEnd, of: payload)
            typeEnd = bar
            guard let earlier = last(pipe, in: line.lowerBound..<bar, of: payload) else { return nil }
            bar = earlier
        }
        guard let colon = last(colon, in: line.lowerBound..<bar, of: payload) else { return nil }
        return Parts(
            name: line.lowerBound..<colon, value: (colon &+ 1)..<bar, type: (bar &+ 1)..<typeEnd, tags: 0..<0,
            isSampled: isSampled)
    }

    /// The first `|` that a number and a `:` precede and a type follows, with the end of the line, a rate or tags after it.
    @inline(__always)
    private static func fromStart(_ line: Range<Int>, of payload: Span<UInt8>) -> Parts? {
        var colonAt = -1
        // Whether all since the last colon can be a number.
        var isNumber = false
        var index = line.lowerBound
        while index < line.upperBound {
            let byte = payload[index]
            if byte == colon {
                colonAt = index
                isNumber = true
            } else if byte == pipe {
                if isNumber, index > colonAt &+ 1, let parts = parts(line, colonAt, bar: index, of: payload) {
                    return parts
                }
                isNumber = false
            } else if isNumber, !isDigit(byte), byte != minus, byte != plus, byte != dot {
                isNumber = false
            }
            index &+= 1
        }
        // No such place: let the end of the line say what is wrong.
        return fromEnd(line, of: payload)
    }

    @inline(__always)
    private static func parts(_ line: Range<Int>, _ colon: Int, bar: Int, of payload: Span<UInt8>) -> Parts? {
        var end = bar &+ 1
        while end < line.upperBound, end < bar &+ 4, payload[end] != pipe { end &+= 1 }
        guard StatsdType((bar &+ 1)..<end, of: payload) != .unknown else { return nil }
        var parts = Parts(name: line.lowerBound..<colon, value: (colon &+ 1)..<bar, type: (bar &+ 1)..<end, tags: 0..<0)
        guard end < line.upperBound else { return parts }
        var rest = end
        if rest &+ 1 < line.upperBound, payload[rest] == pipe, payload[rest &+ 1] == at {
            var rateEnd = rest &+ 2
            while rateEnd < line.upperBound, payload[rateEnd] != pipe { rateEnd &+= 1 }
            parts.isSampled = !isOne((rest &+ 2)..<rateEnd, of: payload)
            rest = rateEnd
        }
        if rest &+ 1 < line.upperBound, payload[rest] == pipe, payload[rest &+ 1] == hash {
            parts.tags = (rest &+ 2)..<line.upperBound
            rest = line.upperBound
        }
        return rest == line.upperBound ? parts : nil
    }

    @inline(__always)
    private static func last(_ byte: UInt8, in range: Range<Int>, of payload: Span<UInt8>) -> Int? {
        var index = range.upperBound &- 1
        while index >= range.lowerBound {
            if payload[index] == byte { return index }
            index &-= 1
        }
        return nil
    }

    /// Whether a rate is 1, which says that nothing was left out: `1`, `1.0`.
    private static func isOne(_ rate: Range<Int>, of payload: Span<UInt8>) -> Bool {
        if case .whole(1) = StatsdNumber(rate, of: payload) { true } else { false }
    }

    static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let pipe = UInt8(ascii: "|")
    private static let colon = UInt8(ascii: ":")
    private static let semicolon = UInt8(ascii: ";")
    private static let hash = UInt8(ascii: "#")
    private static let at = UInt8(ascii: "@")
    private static let minus = UInt8(ascii: "-")
    private static let plus = UInt8(ascii: "+")
    private static let dot = UInt8(ascii: ".")

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
}

/// What a line measures.
private enum StatsdType {
    case counter
    case gauge
    /// Timers, histograms, distributions and sets.
    case timer
    case unknown

    @inline(__always)
    init(_ range: Range<Int>, of payload: Span<UInt8>) {
        switch range.count {
        case 1:
            switch payload[range.lowerBound] {
            case UInt8(ascii: "c"): self = .counter
            case UInt8(ascii: "g"): self = .gauge
            case UInt8(ascii: "h"), UInt8(ascii: "d"), UInt8(ascii: "s"): self = .timer
            default: self = .unknown
            }
        case 2:
            let isTimer =
                payload[range.lowerBound] == UInt8(ascii: "m") && payload[range.lowerBound &+ 1] == UInt8(ascii: "s")
            self = isTimer ? .timer : .unknown
        default: self = .unknown
        }
    }
}

/// A count in decimal digits. A fraction of zeros is a whole number.
private enum StatsdNumber {
    case whole(Int64)
    case refused(StatsdRefusal)

    @inline(__always)
    init(_ range: Range<Int>, of payload: Span<UInt8>) {
        var index = range.lowerBound
        guard index < range.upperBound else {
            self = .refused(.malformed)
            return
        }
        var value: Int64 = 0
        var isTooLarge = false
        var digits = 0
        var isNegative = false
        if payload[index] == UInt8(ascii: "-") || payload[index] == UInt8(ascii: "+") {
            isNegative = true
            index &+= 1
        }
        while index < range.upperBound, payload[index] &- 48 < 10 {
            value = value &* 10 &+ Int64(payload[index] &- 48)
            if value > StatsdLines.largestCount {
                isTooLarge = true
                value = StatsdLines.largestCount
            }
            digits &+= 1
            index &+= 1
        }
        var isWhole = true
        if index < range.upperBound, payload[index] == UInt8(ascii: ".") {
            index &+= 1
            while index < range.upperBound, payload[index] &- 48 < 10 {
                if payload[index] != 48 { isWhole = false }
                digits &+= 1
                index &+= 1
            }
        }
        if index < range.upperBound || digits == 0 {
            self = .refused(.malformed)
        } else if isNegative {
            self = .refused(.negative)
        } else if isTooLarge {
            self = .refused(.tooLarge)
        } else {
            self = isWhole ? .whole(value) : .refused(.notWhole)
        }
    }
}
