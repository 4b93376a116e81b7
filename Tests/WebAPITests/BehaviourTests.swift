import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PostgreSQL
import Testing
import UsageStore

@testable import WebAPI

/// What holds for every resource.
@Suite struct BehaviourTests {
    @Test func `Every operation is in the OpenAPI document, and the document has no other`() throws {
        let document = try APIDocument.shipped.get().operations.map { "\($0.method) \($0.path)" }
        #expect(WebAPI.endpoints.map { "\($0.method.rawValue) \($0.path)" }.sorted() == document.sorted())
    }

    @Test func `The document's examples are answered as it says`() async throws {
        try await withOpenAPI { api in
            let document = try APIDocument.shipped.get()
            for operation in document.operations where operation.method == "POST" {
                guard let body = document.example(method: operation.method, path: operation.path) else { continue }
                let answer = try await api.send(.post, operation.path, body: body)
                #expect((200..<300).contains(answer.status.code), "\(operation.path): \(String(buffer: answer.body))")
            }
        }
    }

    @Test func `A validator that still holds gets 304, one that does not the whole answer`() async throws {
        try await withOpenAPI { api in
            let first = try await api.send(.get, "/v1/tenants")
            let tag = try #require(first.headers[.eTag])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let same = try await api.send(.get, "/v1/tenants", headers: [.ifNoneMatch: "\"other\", \(tag)"])
            #expect(same.status == .notModified && same.body.readableBytes == 0 && same.headers[.eTag] == tag)
            #expect(try await api.send(.get, "/v1/tenants", headers: [.ifNoneMatch: "\"other\""]).status == .ok)
            #expect(try await api.send(.get, "/v1/tenants", headers: [.ifNoneMatch: "*"]).status == .notModified)
        }
    }

    @Test func `HEAD is GET without its body, OPTIONS and other methods tell what there is`() async throws {
        try await withOpenAPI { api in
            let get = try await api.client.execute(uri: "/v1/tenants", method: .get) { $0 }
            try await api.client.execute(uri: "/v1/tenants", method: .head) { head in
                #expect(head.status == .ok && head.body.readableBytes == 0)
                #expect(head.headers[.contentLength] == String(get.body.readableBytes))
                #expect(head.headers[.eTag] == get.headers[.eTag])
            }
            for (method, path, allow) in [
                (HTTPRequest.Method.options, "/v1/keys", "GET, HEAD, POST, OPTIONS"),
                (.put, "/v1/keys", "GET, HEAD, POST, OPTIONS"), (.trace, "/v1/keys/abc", "DELETE, OPTIONS"),
                (.delete, "/docs", "GET, HEAD, OPTIONS"),
            ] {
                try await api.client.execute(uri: path, method: method) { response in
                    #expect(
                        response.status == (method == .options ? .noContent : .methodNotAllowed), "\(method) \(path)")
                    #expect(response.headers[.allow] == allow)
                }
            }
            try await api.client.execute(uri: "/v1/none", method: .trace) { #expect($0.status == .notFound) }
        }
    }

    @Test func `A long answer is packed for who takes gzip, with a validator of its own`() async throws {
        try await withOpenAPI { api in
            let plain = try await api.client.execute(uri: "/docs", method: .get) { $0 }
            try await api.client.execute(uri: "/docs", method: .get, headers: [.acceptEncoding: "br, gzip"]) { packed in
                #expect(packed.headers[.contentEncoding] == "gzip")
                #expect(packed.body.readableBytes < plain.body.readableBytes)
                #expect(Array(packed.body.readableBytesView.prefix(2)) == [0x1f, 0x8b])
                #expect(packed.headers[.eTag] != plain.headers[.eTag])
            }
            try await api.client.execute(uri: "/docs", method: .get, headers: [.acceptEncoding: "gzip;q=0"]) {
                #expect($0.headers[.contentEncoding] == nil)
            }
        }
    }

    @Test func `A text with a NUL is refused before the database sees it`() async throws {
        try await withOpenAPI { api in
            for body in [#"{"contract":"a\u0000b","month":"2024-11"}"#, #"{"contract":"a","month":"2024-11\u0000"}"#] {
                let answer = try await api.send(.post, "/v1/invoices/preview", body: Data(body.utf8))
                #expect(answer.status == .unprocessableContent)
            }
        }
    }

    @Test func `The same key and body get the same answer, once done`() async throws {
        try await withOpenAPI { api in
            let body = Data(#"{"name":"once","scopes":["usage:read"]}"#.utf8)
            let headers: HTTPFields = [.idempotencyKey: "a-1"]
            let first = try await api.send(.post, "/v1/keys", headers: headers, body: body)
            let again = try await api.send(.post, "/v1/keys", headers: headers, body: body)
            #expect(first.status == .created && again.status == .created)
            #expect(first.body == again.body)
            #expect(again.headers[.location] == first.headers[.location])
            #expect(first.headers[.idempotentReplayed] == nil && again.headers[.idempotentReplayed] == "true")
            let keys = try await api.send(.get, "/v1/keys").json["items"] as? [Any]
            #expect(keys?.count == 1)
            let other = Data(#"{"name":"other","scopes":["usage:read"]}"#.utf8)
            #expect(
                try await api.send(.post, "/v1/keys", headers: headers, body: other).status == .unprocessableContent)
            #expect(
                try await api.send(.post, "/v1/keys", headers: [.idempotencyKey: ""], body: body).status == .badRequest)
        }
    }

    @Test func `Of many at once with one key one is done`() async throws {
        try await withOpenAPI { api in
            let body = Data(#"{"name":"race","scopes":["usage:read"]}"#.utf8)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        try await api.send(.post, "/v1/keys", headers: [.idempotencyKey: "r"], body: body).status.code
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(Set(statuses).isSubset(of: [201, 409]) && statuses.contains(201), "\(statuses)")
            #expect((try await api.send(.get, "/v1/keys").json["items"] as? [Any])?.count == 1)
        }
    }

    @Test func `A request whose answer was lost is not done twice`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await NewAPIKey(name: "a", tenant: nil, scopes: ["admin"], expiresAt: nil).store(in: store)
            let body = Data(#"{"name":"lost","scopes":["usage:read"]}"#.utf8)
            let headers: HTTPFields = [.idempotencyKey: "l"]
            _ = try await api.send(.post, "/v1/keys", key: admin.text, headers: headers, body: body)
            // As after a crash between the work and its answer.
            try await store.pool.execute(
                "UPDATE idempotency_key SET status = NULL, headers = NULL, body = NULL, claimed_until = now() - interval '1 second'"
            )
            let again = try await api.send(.post, "/v1/keys", key: admin.text, headers: headers, body: body)
            #expect(again.status == .conflict)
            #expect((try again.json["detail"] as? String)?.contains("answer was lost") == true)
            let made = try await store.apiKeys(limit: 10).filter { $0.name == "lost" }
            #expect(made.count == 1)
            // As after a crash before the work.
            try await store.pool.execute("UPDATE idempotency_key SET took_effect = false")
            #expect(
                try await api.send(.post, "/v1/keys", key: admin.text, headers: headers, body: body).status == .created)
        }
    }

    @Test func `A page ends where the next begins, and a cursor fits its own list`() async throws {
        try await withGuardedAPI { api, store in
            var keys: Set<String> = []
            for index in 0..<7 {
                keys.insert(
                    try await NewAPIKey(
                        name: "k\(index)", tenant: index < 2 ? "acme" : nil, scopes: ["admin"], expiresAt: nil
                    ).store(in: store).prefix)
            }
            let admin = try await NewAPIKey(name: "a", tenant: nil, scopes: ["admin"], expiresAt: nil).store(in: store)
            keys.insert(admin.prefix)
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await api.send(.get, "/v1/keys?limit=3\(cursor)", key: admin.text).json
                seen += (page["items"] as? [[String: Any]] ?? []).compactMap { $0["prefix"] as? String }
                cursor = (page["next_cursor"] as? String).map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen.count == 8 && Set(seen) == keys)
            for query in ["cursor=x", "limit=0", "limit=1001", "limit=1e2", "limit=3&limit=4", "nothing=1"] {
                #expect(
                    try await api.send(.get, "/v1/keys?" + query, key: admin.text).status == .badRequest, "\(query)")
            }
        }
    }

    @Test func `Too much at once, too long an address and too large a body are refused`() async throws {
        var limits = RequestLimits()
        limits.rate = 1
        limits.burst = 3
        try await withGuardedAPI(limits: limits) { api, store in
            let key = try await NewAPIKey(name: "a", tenant: nil, scopes: ["usage:read"], expiresAt: nil).store(
                in: store)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try await api.send(.get, "/v1/tenants", key: key.text).status.code) }
            #expect(statuses == [200, 200, 200, 429, 429])
            let refused = try await api.send(.get, "/v1/tenants", key: key.text)
            #expect(refused.headers[.retryAfter] == "1")
        }
        try await withOpenAPI { api in
            let long = "/v1/tenants?cursor=" + String(repeating: "a", count: 9_000)
            try await api.client.execute(uri: long, method: .get) { #expect($0.status.code == 414) }
            let body = Data(repeating: UInt8(ascii: " "), count: (1 << 20) + 1)
            #expect(try await api.send(.post, "/v1/quotes", body: body).status == .contentTooLarge)
        }
    }

    @Test(arguments: [
        ("{}", "{}"), (#"{"a":9007199254740991}"#, #"{"a":9007199254740991}"#),
        (#"{"a":9007199254740992}"#, #"{"a":"9007199254740992"}"#),
        (#"[-9007199254740991,-9007199254740992]"#, #"[-9007199254740991,"-9007199254740992"]"#),
        (#"{"a":"9007199254740992","b":"\"9007199254740993"}"#, #"{"a":"9007199254740992","b":"\"9007199254740993"}"#),
        (#"[123456789012345678901234567890]"#, #"["123456789012345678901234567890"]"#),
        (#"[0.12345678901234567,1e300]"#, #"[0.12345678901234567,1e300]"#),
    ])
    func `An integer that a double would change is written as a string`(json: String, expected: String) {
        #expect(String(decoding: JSONText.quotingLargeIntegers(Array(json.utf8)), as: UTF8.self) == expected)
    }
}
