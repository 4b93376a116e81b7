import Foundation
import Logging

extension Logger {
    /// Sends all logs to stderr. The level is WAYBILL_LOG (trace … critical), else the given one.
    static func bootstrap(_ level: Level) {
        let asked = ProcessInfo.processInfo.environment["WAYBILL_LOG"].flatMap { Level(rawValue: $0) }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = asked ?? level
            return handler
        }
    }

    /// For a command that does one thing and ends: only what is wrong is said.
    static var command: Logger {
        var logger = Logger(label: "waybill")
        logger.logLevel =
            ProcessInfo.processInfo.environment["WAYBILL_LOG"].flatMap { Level(rawValue: $0) } ?? .warning
        return logger
    }
}
