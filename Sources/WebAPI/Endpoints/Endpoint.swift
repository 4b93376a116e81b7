import HTTPTypes
import Hummingbird

/// One operation of the API. The router, `OPTIONS`, 405 and the tests of the OpenAPI document go by these.
struct Endpoint: Sendable {
    let method: HTTPRequest.Method
    /// `/v1/invoices/{id}/void`
    let path: String
    /// What the credential must allow.
    let scope: Scope
    /// Whether only the operator may, whatever a tenant's credential says. A tenant is told that there is nothing.
    let isOperators: Bool
    /// Names of the query's parameters.
    let parameters: [String]
    /// Whether it is a GET of few statements, each of which has the database's time limit: it needs no watch of its own.
    let isShort: Bool
    let answer: @Sendable (Call) async throws -> Answer

    init(
        _ method: HTTPRequest.Method, _ path: String, _ scope: Scope, operators: Bool = false,
        parameters: [String] = [], short: Bool = false, answer: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.scope = scope
        isOperators = operators
        self.parameters = parameters
        isShort = short && method == .get
        self.answer = answer
    }
}
