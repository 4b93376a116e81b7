/// An uncompressed archive in the ustar format of POSIX.1, so that `tar` can unpack a bundle: small regular files only.
enum TarArchive {
    private static let block = 512

    /// Files in their order, owned by nobody, dated 1970: the same files make the same bytes.
    static func bytes(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
        var archive: [UInt8] = []
        for file in files {
            archive += header(file.name, size: file.content.count)
            archive += file.content
            archive += [UInt8](repeating: 0, count: (block - file.content.count % block) % block)
        }
        return archive + [UInt8](repeating: 0, count: 2 * block)
    }

    /// The files of an archive. Refuses what ``bytes(_:)`` would not write: other kinds of entries, wrong checksums,
    /// names twice, lengths beyond the end.
    static func files(_ archive: [UInt8]) throws(BillingError) -> [(name: String, content: [UInt8])] {
        var files: [(name: String, content: [UInt8])] = []
        var place = 0
        while true {
            guard place + block <= archive.count else {
                throw BillingError(.unreadable, "the file ends in the middle: it is no bundle, or not all of one")
            }
            let header = archive[place..<place + block]
            if header.allSatisfy({ $0 == 0 }) {
                guard archive[place...].allSatisfy({ $0 == 0 }) else {
                    throw BillingError(.unreadable, "there is something after the end of the archive")
                }
                return files
            }
            let name = text(header, 0, 100)
            guard text(header, 257, 5) == "ustar", header[place + 156] == UInt8(ascii: "0"),
                let size = Int(text(header, 124, 11), radix: 8),
                let sum = Int(text(header, 148, 6), radix: 8), sum == checksum(Array(header))
            else {
                throw BillingError(
                    .unreadable, "the file is no bundle: \(name.isEmpty ? "its head" : name) can not be read")
            }
            guard !files.contains(where: { $0.name == name }) else {
                throw BillingError(.unreadable, "the bundle holds \(name) twice")
            }
            let start = place + block
            guard size >= 0, size <= archive.count - start else {
                throw BillingError(.unreadable, "\(name) is cut off")
            }
            files.append((name, Array(archive[start..<start + size])))
            place = start + (size + block - 1) / block * block
        }
    }

    private static func header(_ name: String, size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: block)
        func write(_ text: String, at place: Int) {
            for (offset, byte) in text.utf8.enumerated() { header[place + offset] = byte }
        }
        write(String(name.prefix(100)), at: 0)
        write("0000644", at: 100)
        write("0000000", at: 108)
        write("0000000", at: 116)
        write(octal(size, 11), at: 124)
        write(octal(0, 11), at: 136)
        write("        ", at: 148)
        write("0", at: 156)
        write("ustar", at: 257)
        write("00", at: 263)
        write(octal(checksum(header), 6) + "\0 ", at: 148)
        return header
    }

    /// The sum of the header's bytes, its own field taken as spaces.
    private static func checksum(_ header: [UInt8]) -> Int {
        header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    }

    private static func octal(_ value: Int, _ width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func text(_ header: ArraySlice<UInt8>, _ offset: Int, _ length: Int) -> String {
        let start = header.startIndex + offset
        return String(decoding: header[start..<start + length].prefix { $0 != 0 }, as: UTF8.self)
    }
}
