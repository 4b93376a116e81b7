import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

/// A client that sends a credential.
struct ContractClient: Sendable {
    let client: any TestClientProtocol

    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ uri: String, key: String? = nil, headers: HTTPFields = [:], body: Data? = nil
    ) async throws -> TestResponse {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        if body != nil { headers[.contentType] = "application/json" }
        return try await client.execute(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(bytes: $0) })
    }

    /// The same with a body as text.
    @discardableResult
    func post(
        _ uri: String, _ body: String, key: String? = nil, headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        try await send(.post, uri, key: key, headers: headers, body: Data(body.utf8))
    }
}

/// Holds each answer of the suite against the OpenAPI document, whichever test asked.
struct CheckedClient: TestClientProtocol {
    let base: any TestClientProtocol

    var port: Int? { base.port }

    func executeRequest(
        uri: String, method: HTTPRequest.Method, headers: HTTPFields, body: ByteBuffer?
    ) async throws -> TestResponse {
        let response = try await base.executeRequest(uri: uri, method: method, headers: headers, body: body)
        let faults = try APIDocument.shipped.get().faults(
            method: method.rawValue, path: uri, status: response.status.code,
            contentType: response.headers[.contentType], body: Data(response.body.readableBytesView))
        #expect(faults == [], "\(method) \(uri.prefix(200))")
        return response
    }
}
