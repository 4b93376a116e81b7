internal import Foundation
internal import Gzip

/// A captured stream of payloads: `<name>.bin` repeats a big-endian length of 32 bits and a payload; `<name>.idx.jsonl`
/// beside it holds, per payload, a line with its arrival and its stream.
package struct CaptureFile {
    /// One payload, or the end of a stream.
    package struct Entry {
        /// When it arrived. Unit: microseconds since 1970.
        package var arrivedAt: Int64
        /// The stream's number in this capture.
        package var stream: Int64
        /// The sender's address and port, where the index has it.
        package var source: String?
        /// Nil where the stream ends.
        package var payload: [UInt8]?
        /// The first message of a stream.
        package var beginsStream: Bool
    }

    package let path: String
    package let entries: [Entry]

    /// A text as one payload: a scrape, or lines of a log. `-` is standard input; `.gz` is unpacked.
    ///
    /// - Throws: `ReplayError` that names the file.
    package init(text path: String) throws {
        self.path = path
        let text: [UInt8]
        if path == "-" {
            do {
                text = [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
            } catch {
                throw ReplayError("standard input can not be read: \(error)")
            }
        } else {
            text = try Self.read(path)
        }
        entries = [Entry(arrivedAt: 0, stream: 0, payload: text, beginsStream: true)]
    }

    /// Whether `path` is a capture of frames, by its name.
    package static func isFramed(_ path: String) -> Bool { path.hasSuffix(".bin") || path.hasSuffix(".bin.gz") }

    /// Reads a capture; `.gz` is unpacked, the index may be packed too.
    ///
    /// - Throws: `ReplayError` that names the file and the place.
    package init(path: String) throws {
        self.path = path
        let capture = try Self.read(path)
        let stem = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
        let base = stem.hasSuffix(".bin") ? String(stem.dropLast(4)) : stem
        let index = ["\(base).idx.jsonl", "\(base).idx.jsonl.gz"].first(where: FileManager.default.fileExists(atPath:))
        guard let index else {
            throw ReplayError("\(path): there is no \(base).idx.jsonl beside it, which says when each payload arrived")
        }
        entries = try Self.entries(capture, index: try Self.read(index), path, index)
    }

    private struct IndexLine: Decodable {
        var t: Double
        var stream: Int64?
        var len: Int
        var k: Int?
        var ev: String?
        var src: String?
        var peer: String?
    }

    private static func entries(
        _ capture: [UInt8], index: [UInt8], _ path: String, _ indexPath: String
    ) throws -> [Entry] {
        var entries: [Entry] = []
        var offset = 0
        let decoder = JSONDecoder()
        for (number, line) in index.split(separator: UInt8(ascii: "\n")).enumerated() {
            let parsed: IndexLine
            do {
                parsed = try decoder.decode(IndexLine.self, from: Data(line))
            } catch {
                throw ReplayError("\(indexPath), line \(number + 1): not an index entry (t, stream, len): \(error)")
            }
            guard parsed.t.isFinite, abs(parsed.t) < 9_000_000_000_000 else {
                throw ReplayError("\(indexPath), line \(number + 1): the time \(parsed.t) is no time of day")
            }
            var entry = Entry(
                arrivedAt: Int64((parsed.t * 1_000_000).rounded()), stream: parsed.stream ?? 0,
                source: parsed.src ?? parsed.peer, payload: nil, beginsStream: parsed.k == 1)
            if parsed.ev == nil {
                entry.payload = try payload(of: parsed.len, at: &offset, in: capture, path)
            } else {
                // An event stands as an empty frame.
                _ = try payload(of: 0, at: &offset, in: capture, path)
                if parsed.ev?.hasSuffix("end") != true, parsed.ev != "eof" { continue }
            }
            entries.append(entry)
        }
        guard offset == capture.count else {
            throw ReplayError(
                "\(path): \(capture.count - offset) bytes after byte \(offset) are in no entry of \(indexPath)")
        }
        return entries
    }

    private static func payload(
        of length: Int, at offset: inout Int, in capture: [UInt8], _ path: String
    ) throws -> [UInt8] {
        guard capture.count - offset >= 4 else {
            throw ReplayError("\(path): ends at byte \(offset), where a length of four bytes should stand")
        }
        let framed = capture[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        guard framed == length else {
            throw ReplayError(
                "\(path), byte \(offset): a payload of \(framed) bytes, of which the index says \(length)")
        }
        guard capture.count - offset - 4 >= framed else {
            throw ReplayError("\(path), byte \(offset): a payload of \(framed) bytes is cut off")
        }
        defer { offset += 4 + framed }
        return Array(capture[(offset + 4)..<(offset + 4 + framed)])
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ReplayError("\(path) can not be read")
        }
        guard path.hasSuffix(".gz") else { return [UInt8](bytes) }
        do {
            return try Gzip.unpack([UInt8](bytes))
        } catch {
            throw ReplayError("\(path): \(error)")
        }
    }
}

/// What keeps a capture from being replayed, with the file and the place.
package struct ReplayError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
