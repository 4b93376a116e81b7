import Foundation

/// JSON as the API speaks it: keys in snake case and sorted, so that an answer is the same each time, and no integer
/// that a reader with doubles would change.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return quotingLargeIntegers(Array(try encoder.encode(value)))
    }

    /// Integers beyond ±(2⁵³ − 1) become strings: most readers hold numbers as doubles, which are exact up to there.
    static func quotingLargeIntegers(_ json: [UInt8]) -> [UInt8] {
        var answer: [UInt8]?
        var copied = 0
        var index = 0
        var isInString = false
        while index < json.count {
            let byte = json[index]
            if isInString {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { isInString = false }
                index += 1
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
                index += 1
            } else if byte == UInt8(ascii: "-") || isDigit(byte) {
                let start = index
                while index < json.count, isOfNumber(json[index]) { index += 1 }
                guard index - start >= 16, isLargeInteger(json[start..<index]) else { continue }
                var quoted = answer ?? []
                quoted += json[copied..<start]
                quoted.append(UInt8(ascii: "\""))
                quoted += json[start..<index]
                quoted.append(UInt8(ascii: "\""))
                answer = quoted
                copied = index
            } else {
                index += 1
            }
        }
        guard var answer else { return json }
        answer += json[copied...]
        return answer
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }

    private static func isLargeInteger(_ text: ArraySlice<UInt8>) -> Bool {
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
        guard digits.allSatisfy(isDigit) else { return false }
        return digits.count > 16 || Array(digits).lexicographicallyPrecedes(largestPlusOne) == false
    }

    /// 2⁵³ as sixteen digits.
    private static let largestPlusOne = Array("9007199254740992".utf8)
}
