import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

/// A client that holds each answer against the OpenAPI document.
struct ContractClient: Sendable {
    let client: any TestClientProtocol

    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ uri: String, key: String? = nil, headers: HTTPFields = [:], body: Data? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> TestResponse {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        if body != nil { headers[.contentType] = "application/json" }
        return try await client.execute(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(bytes: $0) }
        ) { response in
            let faults = try APIDocument.shipped.get().faults(
                method: method.rawValue, path: uri, status: response.status.code,
                contentType: response.headers[.contentType], body: Data(response.body.readableBytesView))
            #expect(faults == [], sourceLocation: sourceLocation)
            return response
        }
    }
}
