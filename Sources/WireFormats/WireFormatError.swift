/// What is wrong with bytes that a peer sent.
///
/// `offset` counts bytes from the start of the message (or datagram) that was being read.
package struct WireFormatError: Error, Hashable, Sendable {
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        /// The message ends inside a field.
        package static let truncated = Code(description: "truncated")
        /// A varint has more than ten bytes, or more than 64 bits.
        package static let overlongVarint = Code(description: "overlong varint")
        /// A field number is 0 or above 2^29 - 1, or a wire type is none of the six.
        package static let invalidTag = Code(description: "invalid tag")
        /// A known field has another wire type than its schema says.
        package static let wrongWireType = Code(description: "wrong wire type")
        /// A group ends that was not begun, or under another field number.
        package static let unmatchedGroup = Code(description: "unmatched group")
        /// Groups stand deeper in one another than a reader follows.
        package static let tooDeep = Code(description: "too deep")
        /// A text field is not UTF-8.
        package static let invalidUTF8 = Code(description: "invalid UTF-8")
    }

    package let code: Code
    package let offset: Int
    /// What was found, for a person.
    package let message: String

    @inline(never)
    package init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}

extension WireFormatError: CustomStringConvertible {
    package var description: String { "\(code) at byte \(offset): \(message)" }
}
