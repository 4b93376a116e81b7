import Foundation
import LoadBalancerCosts

extension PriceCatalogue {
    /// What is shipped in config/prices.
    static func shipped() throws -> PriceCatalogue {
        let directory = try ConfigurationFiles.directory("config/prices")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
            .sorted()
        return try PriceCatalogue(
            files: names.map { name in
                PriceFile(
                    name: "\(directory)/\(name)",
                    text: String(decoding: try readFile("\(directory)/\(name)"), as: UTF8.self))
            })
    }
}

/// A file of prices: an offer of AWS, or one like those of config/prices.
enum PriceListFile {
    case offer(PriceListImport)
    case own(PriceFileContents)

    /// Reads a file, refusing one that is too large before it is read. `.yaml` and `.yml` are files of our own.
    static func read(_ path: String) throws -> PriceListFile {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if let size = attributes?[.size] as? NSNumber {
            try PriceListImport.checkSize(size.int64Value, name: path)
        }
        let bytes = try readFile(path)
        guard path.hasSuffix(".yaml") || path.hasSuffix(".yml") else {
            return .offer(try PriceListImport(bytes, name: path))
        }
        return .own(try PriceFileContents(PriceFile(name: path, text: String(decoding: bytes, as: UTF8.self))))
    }
}

/// Runs `body`, giving the errors of the cost model their exit codes: 2 for input, 1 for the rest.
func costFailure<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as LoadBalancerCostError {
        throw CommandError(error)
    }
}

extension CommandError {
    init(_ error: LoadBalancerCostError) {
        self.init(error.code == .invalidInput ? .usage : .failure, error.message)
    }
}

/// The bytes of a file, or of standard input for `-`. At most `limit` bytes.
func readFile(_ path: String, limit: Int = 1 << 30) throws -> [UInt8] {
    let handle: FileHandle
    if path == "-" {
        handle = .standardInput
    } else {
        guard let opened = FileHandle(forReadingAtPath: path) else {
            throw CommandError(.usage, "\(path) can not be read: check the path and its permissions")
        }
        handle = opened
    }
    do {
        return [UInt8](try handle.read(upToCount: limit) ?? Data())
    } catch {
        throw CommandError(.failure, "\(path) can not be read: \(error.localizedDescription)")
    }
}

/// Prints a value as JSON with keys in order.
func printJSON(_ value: some Encodable) throws {
    print(try prettyJSON(value))
}

/// A value as JSON with keys in order, for files and people.
func prettyJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
