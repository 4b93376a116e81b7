/// Full names of tagged series: the input's lines are a family and tags `name=value` by turns.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = bytes(start, count)
    var names = FullNames(limit: 8)
    for line in input.split(separator: UInt8(ascii: "\n")) {
        let parts = line.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(Array.init)
        guard let family = parts.first else { continue }
        var results: [[UInt8]] = []
        for _ in 0..<2 {
            names.begin(family.span)
            for part in parts.dropFirst() {
                let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.count
                let tag = Array(part[..<equals])
                let value = Array(part[equals...].dropFirst())
                names.tag(tag.span, value.span)
            }
            let range = names.finish()
            results.append(Array(names.bytes[range]))
        }
        promise(results[0] == results[1], "a name comes out the same twice")
        // Empty is what a series with too many tags gives.
        promise(results[0].count >= (names.hasTooManyTags ? 0 : family.count), "a name holds all of its family")
        promise(!names.hasTooManyTags || results[0].isEmpty, "a series with too many tags has no name")
    }
    return 0
}
