import Crypto
import HTTPTypes
import Hummingbird

/// What an endpoint answers, whole: it can be hashed, packed, and kept for a request that comes again.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPFields
    var body: [UInt8]

    init(status: Int = 200, headers: HTTPFields = [:], contentType: String?, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
        if let contentType { self.headers[.contentType] = contentType }
    }

    static let json = "application/json; charset=utf-8"

    static func json(_ value: some Encodable, status: Int = 200, etag: String? = nil) throws -> Answer {
        var answer = Answer(status: status, contentType: json, body: try JSONText.encode(value))
        if let etag { answer.headers[.eTag] = "\"\(etag)\"" }
        return answer
    }

    static var nothing: Answer { Answer(status: 204, contentType: nil, body: []) }

    /// The answer to a request: with a strong validator, 304 where the reader has it already, packed where the reader
    /// takes gzip.
    func response(to request: Request) -> Response {
        var answer = self
        if answer.status == 200, request.method == .get || request.method == .head {
            let tag = answer.headers[.eTag] ?? "\"\(Self.digest(answer.body))\""
            answer.headers[.eTag] = tag
            if EntityTags(request.headers[.ifNoneMatch]).contains(tag) {
                answer.status = 304
                answer.body = []
                answer.headers[.contentType] = nil
            }
        }
        if answer.headers[.cacheControl] == nil { answer.headers[.cacheControl] = "private, no-cache" }
        answer.headers[.xContentTypeOptions] = "nosniff"
        answer.pack(for: request)
        let length = answer.body.count
        guard request.method != .head else {
            answer.headers[.contentLength] = String(length)
            return Response(status: .init(code: answer.status), headers: answer.headers)
        }
        return Response(
            status: .init(code: answer.status), headers: answer.headers,
            body: length == 0 ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// The first 128 bits of the body's SHA-256.
    static func digest(_ body: [UInt8]) -> String {
        SHA256.hash(data: body).prefix(16).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// Below it packing saves nothing. Unit: bytes.
    private static let worthPacking = 1_400

    private mutating func pack(for request: Request) {
        if headers[.vary] == nil { headers[.vary] = "Accept, Accept-Encoding" }
        guard body.count >= Self.worthPacking, Self.takesGzip(request.headers[.acceptEncoding]) else { return }
        guard let packed = Gzip.pack(body), packed.count < body.count else { return }
        body = packed
        headers[.contentEncoding] = "gzip"
        // The packed bytes are another representation, and a strong validator says so.
        if let tag = headers[.eTag] { headers[.eTag] = EntityTags.packed(tag) }
    }

    private static func takesGzip(_ header: String?) -> Bool {
        (header ?? "").split(separator: ",").contains { part in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            guard let coding = pieces.first, coding == "gzip" || coding == "*" else { return false }
            return !pieces.dropFirst().contains { ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0) }
        }
    }
}

extension HTTPField.Name {
    static var requestID: Self { HTTPField.Name("X-Request-Id") ?? .accept }
    static var idempotencyKey: Self { HTTPField.Name("Idempotency-Key") ?? .accept }
    static var idempotentReplayed: Self { HTTPField.Name("Idempotent-Replayed") ?? .accept }
}
