/// An access log in JSON: whole, and in pieces of the first byte's size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    guard let first = input.first else { return 0 }
    let text = Array(input.dropFirst())
    var whole = JSONAccessLog()
    whole.receive(text.span)
    whole.end()
    var pieces = JSONAccessLog()
    let size = Int(first) + 1
    var position = 0
    while position < text.count {
        pieces.receive(Array(text[position..<min(position + size, text.count)]).span)
        position += size
    }
    pieces.end()
    promise(whole.records == pieces.records, "cuts change nothing")
    return 0
}
