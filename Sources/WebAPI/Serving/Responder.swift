import Billing
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PostgreSQL
import Pricing
import Reports
import UsageStore

/// From a request to its answer: the order in which everything is asked.
///
/// Address, method, credential, limits, scope, parameters, body, idempotency key, endpoint; then validators and packing.
struct Responder: Sendable {
    let authentication: Authentication
    let meter: RequestMeter
    let limits: RequestLimits
    let stores: APIStores
    let resources: APIResources
    let statistics: RequestStatistics

    func respond(_ request: Request, to endpoint: Endpoint, parameters: Parameters, logger: Logger) async -> Response {
        let began = ContinuousClock.now
        let id = Self.requestID()
        var logger = logger
        logger[metadataKey: "request"] = "\(id)"
        var answer = await guarded(id: id, logger) {
            try await self.answer(request, named: Self.instance(id), endpoint, parameters, logger)
        }
        answer.headers[.requestID] = id
        statistics.count(
            method: endpoint.method.rawValue, path: endpoint.path, status: answer.status,
            duration: began.duration(to: .now))
        return answer.response(to: request)
    }

    /// An answer for whatever has no endpoint: 404, 405, `OPTIONS`.
    func respondWithoutEndpoint(_ request: Request, allow: [String], logger: Logger) async -> Response {
        let id = Self.requestID()
        var answer = await guarded(id: id, logger) {
            try checkAddress(request)
            let allowed = (allow + ["OPTIONS"]).joined(separator: ", ")
            if allow.isEmpty { throw Problem.notFound("there is nothing at \(request.uri.path)") }
            if request.method == .options {
                return Answer(status: 204, headers: [.allow: allowed], contentType: nil, body: [])
            }
            throw Problem(
                "method-not-allowed", "Method not allowed", 405, "\(request.uri.path) takes \(allowed)", allow: allowed)
        }
        answer.headers[.requestID] = id
        statistics.count(
            method: "other", path: "none", status: answer.status, duration: .zero)
        return answer.response(to: request)
    }

    private static func requestID() -> String {
        let text = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    private func checkAddress(_ request: Request) throws {
        guard request.uri.string.utf8.count <= limits.url else {
            throw Problem("uri-too-long", "URI too long", 414, "an address is at most \(limits.url) bytes")
        }
    }

    /// Names a request in problems.
    private static func instance(_ id: String) -> String { "urn:waybill:request:" + id }

    private func answer(
        _ request: Request, named instance: String, _ endpoint: Endpoint, _ parameters: Parameters, _ logger: Logger
    ) async throws -> Answer {
        try checkAddress(request)
        let principal = try await authentication.principal(of: request)
        try meter.begin(principal.id)
        defer { meter.end(principal.id) }
        if endpoint.isOperators, principal.tenant != nil {
            throw Problem.notFound("there is nothing at \(request.uri.path)")
        }
        guard principal.may(endpoint.scope) else {
            throw Problem.forbidden("the credential lacks the scope \(endpoint.scope.rawValue)")
        }
        let query = try Query(request, allowed: endpoint.parameters)
        return try await within(.seconds(limits.timeout)) {
            let body = try await self.body(of: request)
            let call = Call(
                request: request, parameters: parameters, query: query, principal: principal, body: body,
                stores: stores, resources: resources, limits: limits, logger: logger)
            return try await call.asPrincipal {
                try await Idempotency(stores: stores, seconds: Int64(limits.timeout) + 5).answer(
                    request, named: instance, body: body, principal: principal, logger: logger
                ) { try await endpoint.answer(call) }
            }
        }
    }

    private func body(of request: Request) async throws -> [UInt8] {
        guard request.method == .post || request.method == .put || request.method == .patch else { return [] }
        do {
            return Array(buffer: try await request.body.collect(upTo: limits.body))
        } catch is NIOTooManyBytesError {
            throw Problem("content-too-large", "Content too large", 413, "a body is at most \(limits.body) bytes")
        }
    }

    /// Ends work that takes too long: a client that sends its body drop by drop, too.
    private func within<Result: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw Problem(
                    "timeout", "Service unavailable", 503, "the request took longer than \(limits.timeout) s",
                    retryAfter: 5)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private static func problem(_ error: BillingError) -> Problem {
        if error.code.isConflict { return .conflict(error.message) }
        if error.code.name.hasPrefix("unknown_") { return .notFound(error.message) }
        if error.code == .corrupt { return .internalError }
        return .unprocessable("body", rule: error.code.name, error.message)
    }

    private static func problem(_ error: CorrectionRefusal) -> Problem {
        if error.code == .conflict { return .conflict(error.message) }
        return error.code == .unknown
            ? .notFound(error.message) : .unprocessable("rows", rule: "refused", error.message)
    }

    /// Turns whatever is thrown into a problem. What is the server's own affair is logged, not told.
    private func guarded(id: String, _ logger: Logger, _ work: () async throws -> Answer) async -> Answer {
        var problem: Problem
        do {
            return try await work()
        } catch let error as Problem {
            problem = error
        } catch let error as UsageStoreError where error.code == .unknownTenant || error.code == .unknownGateway {
            problem = .notFound(error.message)
        } catch let error as UsageStoreError where error.code == .unknownZone {
            problem = .invalid("zone", rule: "unknown", error.message)
        } catch let error as UsageStoreError where error.code == .invalidRange {
            problem = .invalid("from", rule: "range", error.message)
        } catch let error as UsageStoreError where error.code == .conflict {
            problem = .conflict(error.message)
        } catch let error as CorrectionRefusal {
            problem = Self.problem(error)
        } catch let error as BillingError {
            problem = Self.problem(error)
        } catch let error as PricingError {
            problem = .unprocessable("body", rule: "pricing", error.message)
        } catch let error as ReportError where error.code == .failedProgram || error.code == .missingProgram {
            logger.error("an invoice could not be printed", metadata: ["error": "\(error)"])
            problem = Problem(
                "unavailable", "Service unavailable", 503,
                "the invoice could not be printed; come again, or take another form, as text/html", retryAfter: 30)
        } catch let error as PostgresError where error.isOutage {
            logger.error("the database can not be reached", metadata: ["error": "\(error)"])
            problem = .unavailable
        } catch let error as PostgresError where error.code == .poolExhausted {
            problem = .tooMany("the server is busy", retryAfter: 1)
        } catch let error as PostgresError where error.sqlState == "57014" {
            problem = Problem(
                "too-expensive", "Unprocessable content", 422,
                "the query took too long; ask for a shorter range or a coarser window")
        } catch let error as HTTPError {
            problem = Problem(
                "http", error.status.reasonPhrase, error.status.code, error.body ?? "the request can not be read")
        } catch {
            logger.error("a request failed", metadata: ["error": "\(error)"])
            problem = .internalError
        }
        problem.instance = Self.instance(id)
        return (try? Answer(problem)) ?? Answer(status: problem.status, contentType: nil, body: [])
    }
}
