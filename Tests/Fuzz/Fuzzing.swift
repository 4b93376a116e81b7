/// What the targets share. Compiled beside the readers, in their module.
@inline(never)
func promise(_ isKept: Bool, _ what: StaticString) {
    guard !isKept else { return }
    fatalError("broken promise: \(what)")
}

/// The bytes that libFuzzer hands over.
func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: count))
}

func text(_ span: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in span.indices { bytes.append(span[index]) }
    return bytes
}
