internal import GRPCCore

/// Hands a request's bytes over as they came: the hot path decodes them itself, and only what it meters.
struct RawMessageDeserializer: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> [UInt8] {
        // The one copy between the socket's buffers and the reader.
        serializedMessageBytes.withUnsafeBytes { [UInt8]($0) }
    }
}

/// Sends bytes that are already a message.
struct RawMessageSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
        Bytes(message)
    }
}
