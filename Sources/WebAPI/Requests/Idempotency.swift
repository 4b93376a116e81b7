import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import PostgreSQL
import UsageStore

/// A POST with `Idempotency-Key` is done once: the same key and body get the same answer, however often they come.
///
/// The work and the note that it was done are one transaction. A server that dies between them has done nothing, and
/// the request may come again; one that dies after it is found out, and the request is not done twice.
struct Idempotency: Sendable {
    let stores: APIStores
    /// How long a request may take before its key is free again. Unit: seconds.
    let seconds: Int64

    func answer(
        _ request: Request, named instance: String, body: [UInt8], principal: Principal, logger: Logger,
        work: @Sendable () async throws -> Answer
    ) async throws -> Answer {
        guard request.method == .post, let key = request.headers[.idempotencyKey] else { return try await work() }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw Problem.invalid(
                "Idempotency-Key", rule: "format", "is not 1 to 255 printable characters", source: "header")
        }
        var hash = SHA256()
        hash.update(data: Array("\(request.method) \(request.uri.string)\n".utf8))
        hash.update(data: body)
        // Keys are the operators' store's affair: a tenant's role sees none of them.
        let store = stores.operators
        let credential = principal.id
        switch try await store.claim(
            idempotencyKey: key, of: credential, fingerprint: Array(hash.finalize()), seconds: seconds)
        {
        case .begin: break
        case .answered(let status, let headers, let body):
            var answer = Answer(status: status, contentType: nil, body: body)
            // Name, value, name, value, …
            for index in stride(from: 0, to: headers.count - 1, by: 2) {
                if let name = HTTPField.Name(headers[index]) { answer.headers[name] = headers[index + 1] }
            }
            answer.headers[.idempotentReplayed] = "true"
            return answer
        case .other:
            throw Problem(
                "idempotency-key-reused", "Unprocessable content", 422,
                "this Idempotency-Key came before with another request; send a new key",
                invalid: [
                    .init(
                        field: "Idempotency-Key", rule: "unique", reason: "was used for other content", source: "header"
                    )
                ])
        case .running:
            throw Problem(
                "conflict", "Conflict", 409, "a request with this Idempotency-Key is under way", retryAfter: 1)
        case .answerLost:
            throw Problem.conflict(
                "the first request with this Idempotency-Key was done, and its answer was lost; look at the resource")
        }
        let answer: Answer
        do {
            answer = try await TransactionScope.$beforeCommit.withValue(
                { try await UsageStore.markEffect(ofIdempotencyKey: key, of: credential, on: $0) },
                operation: work)
        } catch let problem as Problem where problem.status < 500 && problem.status != 429 {
            // A refusal is an answer too.
            var problem = problem
            problem.instance = instance
            try? await keep(try Answer(problem), key, credential)
            throw problem
        } catch {
            try? await store.release(idempotencyKey: key, of: credential)
            throw error
        }
        do {
            try await keep(answer, key, credential)
        } catch {
            logger.error("an answer could not be kept for its Idempotency-Key", metadata: ["error": "\(error)"])
        }
        return answer
    }

    private func keep(_ answer: Answer, _ key: String, _ credential: String) async throws {
        try await stores.operators.keep(
            status: answer.status, headers: answer.headers.flatMap { [$0.name.rawName, $0.value] }, body: answer.body,
            forIdempotencyKey: key, of: credential)
    }
}
