/// A message of the access log service.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    _ = try? AccessLogMessage.logName(of: input.span)
    guard let message = try? AccessLogMessage(input.span, logName: "log") else { return 0 }
    promise(message.records.count * 2 <= count, "a record takes two bytes at least")
    return 0
}
