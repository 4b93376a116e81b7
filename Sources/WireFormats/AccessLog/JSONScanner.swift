/// Walks over JSON text. Every step tells whether it found what it was asked for; where the text ends too early,
/// `isCutOff` is set besides. Source: RFC 8259.
struct JSONScanner {
    /// How deep values may lie in one another.
    private static let deepest = 64

    private(set) var position: Int
    /// The text ended inside a value: more of it may make it whole.
    private(set) var isCutOff = false

    init(_ text: Span<UInt8>, from position: Int) {
        self.position = position
    }

    /// The next byte that is no space; nil at the end of the text.
    mutating func peek(in text: Span<UInt8>) -> UInt8? {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return text[position]
            }
        }
        isCutOff = true
        return nil
    }

    /// Steps over `byte`, which must come next.
    mutating func open(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
        guard peek(in: text) == byte else { return false }
        position += 1
        return true
    }

    /// Steps over `byte` if it comes next. At the end of the text false, and what follows fails.
    mutating func close(_ byte: UInt8, in text: Span<UInt8>) -> Bool { open(byte, in: text) }

    /// A string, without its escapes. Bytes that are no UTF-8 are replaced.
    mutating func string(in text: Span<UInt8>) -> String? {
        guard open(UInt8(ascii: "\""), in: text) else { return nil }
        var bytes: [UInt8] = []
        while position < text.count {
            let byte = text[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escape(in: text, into: &bytes) else { return nil }
            case 0..<0x20:
                // A line end is not part of what is malformed.
                position -= 1
                return nil
            default: bytes.append(byte)
            }
        }
        isCutOff = true
        return nil
    }

    private mutating func escape(in text: Span<UInt8>, into bytes: inout [UInt8]) -> Bool {
        guard position < text.count else {
            isCutOff = true
            return false
        }
        let byte = text[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            guard var unit = hexadecimal(in: text) else { return false }
            if 0xD800..<0xDC00 ~= unit, position + 1 < text.count, text[position] == UInt8(ascii: "\\"),
                text[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                guard let low = hexadecimal(in: text) else { return false }
                unit = 0xDC00..<0xE000 ~= low ? 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            bytes += Array(String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        default: return false
        }
        return true
    }

    private mutating func hexadecimal(in text: Span<UInt8>) -> UInt32? {
        guard position + 4 <= text.count else {
            isCutOff = true
            return nil
        }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(text[position])).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// A number, `true`, `false` or `null`, as text.
    mutating func literal(in text: Span<UInt8>) -> String? {
        guard peek(in: text) != nil else { return nil }
        var bytes: [UInt8] = []
        while position < text.count, bytes.count <= 64 {
            let byte = text[position]
            let isPart =
                byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                || byte == UInt8(ascii: ".")
            guard isPart else { return Self.isLiteral(bytes) ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes.append(byte)
            position += 1
        }
        isCutOff = position >= text.count
        return nil
    }

    private static func isLiteral(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return false }
        if first &- 48 < 10 || first == UInt8(ascii: "-") { return true }
        return ["true", "false", "null"].contains { bytes.elementsEqual($0.utf8) }
    }

    /// Steps over an object or array of any depth, by its brackets.
    mutating func skipNested(in text: Span<UInt8>) -> Bool {
        var depth = 0
        while let byte = peek(in: text) {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= Self.deepest else { return false }
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
                if depth == 0 { return true }
            case UInt8(ascii: "\""): guard string(in: text) != nil else { return false }
            default: position += 1
            }
        }
        return false
    }
}
