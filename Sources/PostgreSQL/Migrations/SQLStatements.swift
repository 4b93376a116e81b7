/// A statement of a file, with the line that it begins on.
struct SQLStatement: Equatable {
    var text: String
    /// From 1.
    var line: Int
}

/// Splits a file at the semicolons that end statements, as psql does: not those inside strings, quoted names,
/// dollar quotes, comments, parentheses and the bodies of SQL-standard functions.
///
/// Source: PostgreSQL manual, "Lexical Structure"; src/fe_utils/psqlscan.l.
struct SQLStatements {
    private let bytes: [UInt8]
    private var place = 0
    private var line = 1
    private var statements: [SQLStatement] = []
    private var start: Int?
    private var startLine = 1
    private var parentheses = 0
    /// The first words of the statement, lower case: enough to know `create or replace function`.
    private var words: [String] = []
    private var bodyDepth = 0

    /// Why a file can not be split.
    struct Failure: Error {
        var line: Int
        var reason: String
    }

    static func split(_ text: String) throws(Failure) -> [SQLStatement] {
        var splitter = SQLStatements(bytes: Array(text.utf8))
        try splitter.run()
        return splitter.statements
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func run() throws(Failure) {
        while place < bytes.count {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "-") where next == UInt8(ascii: "-"): skipLineComment()
            case UInt8(ascii: "/") where next == UInt8(ascii: "*"): try skipBlockComment()
            case UInt8(ascii: ";") where parentheses == 0 && bodyDepth == 0: end()
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"), 0xC: advance()
            default:
                begin()
                try token(byte)
            }
        }
        end()
    }

    private var next: UInt8? { place + 1 < bytes.count ? bytes[place + 1] : nil }

    private mutating func advance() {
        if bytes[place] == UInt8(ascii: "\n") { line += 1 }
        place += 1
    }

    private mutating func begin() {
        guard start == nil else { return }
        start = place
        startLine = line
    }

    private mutating func end() {
        if let start {
            let text = String(decoding: bytes[start..<place], as: UTF8.self).trimmed
            statements.append(SQLStatement(text: text, line: startLine))
        }
        start = nil
        words = []
        parentheses = 0
        bodyDepth = 0
        if place < bytes.count { advance() }
    }

    private mutating func token(_ byte: UInt8) throws(Failure) {
        switch byte {
        case UInt8(ascii: "'"): try skipQuoted(by: byte, escapes: isAfterE)
        case UInt8(ascii: "\""): try skipQuoted(by: byte, escapes: false)
        case UInt8(ascii: "$"): try skipDollarQuoted()
        case UInt8(ascii: "("):
            parentheses += 1
            advance()
        case UInt8(ascii: ")"):
            parentheses = max(0, parentheses - 1)
            advance()
        case _ where byte.startsWord: word()
        default: advance()
        }
    }

    /// `E'…'`: backslashes escape.
    private var isAfterE: Bool {
        guard place > 0, bytes[place - 1] | 0x20 == UInt8(ascii: "e") else { return false }
        return place == 1 || !bytes[place - 2].continuesWord
    }

    private mutating func word() {
        let first = place
        while place < bytes.count, bytes[place].continuesWord { place += 1 }
        let word = String(decoding: bytes[first..<place], as: UTF8.self).lowercased()
        if words.count < 4 { words.append(word) }
        guard definesRoutine, parentheses == 0 else { return }
        switch word {
        case "begin": bodyDepth += 1
        case "case" where bodyDepth > 0: bodyDepth += 1
        case "end" where bodyDepth > 0: bodyDepth -= 1
        default: break
        }
    }

    private var definesRoutine: Bool {
        guard words.first == "create" else { return false }
        let kind =
            words.dropFirst().starts(with: ["or", "replace"]) ? words.dropFirst(3).first : words.dropFirst().first
        return kind == "function" || kind == "procedure"
    }

    private mutating func skipLineComment() {
        while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
    }

    private mutating func skipBlockComment() throws(Failure) {
        let opening = line
        var depth = 0
        repeat {
            guard place + 1 < bytes.count else {
                throw Failure(line: opening, reason: "the comment /* is not closed")
            }
            switch (bytes[place], bytes[place + 1]) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                depth += 1
                place += 2
            case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                depth -= 1
                place += 2
            default: advance()
            }
        } while depth > 0
    }

    private mutating func skipQuoted(by quote: UInt8, escapes: Bool) throws(Failure) {
        let opening = line
        advance()
        while place < bytes.count {
            let byte = bytes[place]
            if escapes, byte == UInt8(ascii: "\\"), next != nil { advance() }
            advance()
            guard byte == quote else { continue }
            // A doubled quote stands for itself.
            guard place < bytes.count, bytes[place] == quote else { return }
            advance()
        }
        throw Failure(line: opening, reason: "the quote \(Character(UnicodeScalar(quote))) is not closed")
    }

    /// `$tag$ … $tag$`; `$1` is a parameter and no quote.
    private mutating func skipDollarQuoted() throws(Failure) {
        let opening = line
        var tagEnd = place + 1
        if tagEnd < bytes.count, bytes[tagEnd].startsWord {
            while tagEnd < bytes.count, bytes[tagEnd].continuesWord, bytes[tagEnd] != UInt8(ascii: "$") { tagEnd += 1 }
        }
        guard tagEnd < bytes.count, bytes[tagEnd] == UInt8(ascii: "$") else { return advance() }
        let tag = bytes[place...tagEnd]
        place = tagEnd + 1
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "$"), bytes[place...].starts(with: tag) {
                place += tag.count
                return
            }
            advance()
        }
        throw Failure(line: opening, reason: "\(String(decoding: tag, as: UTF8.self)) is not closed")
    }
}

extension UInt8 {
    fileprivate var startsWord: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    fileprivate var continuesWord: Bool {
        startsWord || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || self == UInt8(ascii: "$")
    }
}
