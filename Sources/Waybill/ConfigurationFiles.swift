import Foundation

/// Finds the files that are shipped beside the binary: `config/…`, `migrations/`, `reports/`.
///
/// They are looked for in `WAYBILL_HOME`, in each folder above the executable (a build folder lies inside its
/// checkout), in `/usr/share/waybill` and in the working directory, in this order.
enum ConfigurationFiles {
    /// The path of a shipped folder, for instance `config/prices`. Throws a failure that names where it was looked for.
    static func directory(_ name: String) throws -> String {
        let candidates = homes().map { $0 + "/" + name }
        for candidate in candidates {
            var isDirectory = ObjCBool(false)
            if FileManager.default.fileExists(atPath: candidate, isDirectory: &isDirectory), isDirectory.boolValue {
                return candidate
            }
        }
        throw notFound(name, candidates)
    }

    /// The path of a shipped file, for instance `config/meters/envoy.yaml`.
    static func file(_ name: String) throws -> String {
        let candidates = homes().map { $0 + "/" + name }
        guard let found = candidates.first(where: FileManager.default.fileExists(atPath:)) else {
            throw notFound(name, candidates)
        }
        return found
    }

    private static func notFound(_ name: String, _ candidates: [String]) -> CommandError {
        CommandError(
            .failure,
            "\(name) was not found (looked for \(candidates.joined(separator: ", "))); "
                + "set WAYBILL_HOME to the folder that holds config/ and migrations/"
        )
    }

    private static func homes() -> [String] {
        var homes: [String] = []
        if let home = ProcessInfo.processInfo.environment["WAYBILL_HOME"] { homes.append(home) }
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folder = executable.deletingLastPathComponent()
        while folder.path != "/" {
            homes.append(folder.path)
            folder = folder.deletingLastPathComponent()
        }
        homes.append("/usr/share/waybill")
        homes.append(FileManager.default.currentDirectoryPath)
        return homes
    }
}
