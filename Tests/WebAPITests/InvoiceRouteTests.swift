import Billing
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Reports
import TestSupport
import Testing
import UsageStore

@testable import WebAPI

/// `/v1/invoices…`, `/v1/credit-notes`, `/v1/contracts`: from a contract to a void invoice, over REST alone.
@Suite struct InvoiceRouteTests {
    private func items(_ response: TestResponse) throws -> [[String: Any]] {
        try response.json["items"] as? [[String: Any]] ?? []
    }

    @Test func `An invoice goes from draft to void, and each step can be read, explained and verified`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let tenant = try await store.key(tenant: "acme", "invoice:read", "usage:read")
            for key in [admin, tenant] {
                let invoice = try await api.send(.get, "/v1/invoices/\(acme.number)", key: key)
                #expect(try invoice.json["total_minor"] as? Int == 110)
                #expect(try await api.send(.get, "/v1/invoices/\(acme.id)", key: key).body == invoice.body)
                let explained = try await api.send(.get, "/v1/invoices/\(acme.number)/explain?line=1", key: key).json
                let line = (explained["lines"] as? [[String: Any]])?.first
                #expect((line?["parts"] as? [[String: Any]])?.first?["amount_minor"] as? Int == 110)
                let verified = try await api.send(.get, "/v1/invoices/\(acme.number)/verify", key: key).json
                let states = (verified["links"] as? [[String: Any]] ?? []).map { $0["state"] as? String }
                #expect(!states.isEmpty && states.allSatisfy { $0 == "holds" }, "\(verified)")
                let readings = try await api.send(.get, "/v1/invoices/\(acme.number)/readings", key: key).json
                #expect((readings["readings"] as? [Any])?.isEmpty == false)
                let draft = try await api.send(.get, "/v1/invoices/\(acme.draft)", key: key)
                #expect(try draft.json["status"] as? String == "draft")
                #expect(try await api.send(.get, "/v1/invoices/\(acme.draft)/explain", key: key).status == .ok)
                #expect(try await api.send(.get, "/v1/invoices/\(acme.draft)/verify", key: key).status == .conflict)
                #expect(try await api.send(.get, "/v1/contracts/\(acme.contract)", key: key).status == .ok)
                let notes = try items(try await api.send(.get, "/v1/credit-notes?invoice=\(acme.number)", key: key))
                #expect(notes.map { $0["total_minor"] as? Int } == [2])
                #expect(try await api.send(.get, "/v1/credit-notes/\(acme.creditNote)", key: key).status == .ok)
            }
            #expect(try await api.send(.get, "/v1/credit-notes/CN-1", key: admin).status == .notFound)
            let books = try items(try await api.send(.get, "/v1/price-books", key: admin))
            #expect(books.count == 1)
            let version = try await api.send(.get, "/v1/price-books/cents/versions/2024-01-01", key: admin)
            #expect(try version.json["number"] as? Int == 1)
            let previewed = try await api.post(
                "/v1/invoices/preview", #"{"contract":"\#(acme.contract)","month":"2024-12"}"#, key: admin)
            #expect(try previewed.json["status"] as? String == "preview")

            // What is credited is not made void.
            let credited = "/v1/invoices/\(acme.number)/void"
            #expect(try await api.post(credited, #"{"reason":"wrong buyer"}"#, key: admin).status == .conflict)
            let finalized = try await api.send(.post, "/v1/invoices/\(acme.draft)/finalize", key: admin)
            let december = try #require(try finalized.json["number"] as? String)
            let void = "/v1/invoices/\(december)/void"
            #expect(try await api.post(void, #"{"reason":""}"#, key: admin).status == .unprocessableContent)
            #expect(
                try await api.send(
                    .post, void, key: admin, headers: [.ifMatch: "\"0\""], body: Data(#"{"reason":"r"}"#.utf8)
                ).status == .preconditionFailed)
            let voided = try await api.send(
                .post, void, key: admin, headers: [.ifMatch: finalized.headers[.eTag] ?? ""],
                body: Data(#"{"reason":"wrong buyer"}"#.utf8))
            #expect(try voided.json["status"] as? String == "void")
            #expect(voided.headers[.eTag] != finalized.headers[.eTag])
            #expect(try await api.post(void, #"{"reason":"again"}"#, key: admin).status == .conflict)
            let credit = #"{"invoice":"\#(december)","reason":"x","lines":[{"line":1,"amount_minor":1}]}"#
            #expect(try await api.post("/v1/credit-notes", credit, key: admin).status == .conflict)
        }
    }

    @Test func `The list has drafts after numbers, by status, number and period, page by page`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let globex = try await BilledTenant("globex", api, key: admin, store: store)
            let drafts = [acme.draft, globex.draft].sorted()
            let all = [acme.id, globex.id] + drafts
            func ids(_ query: String, key: String = admin) async throws -> [String?] {
                try items(try await api.send(.get, "/v1/invoices" + query, key: key)).map { $0["id"] as? String }
            }
            #expect(try await ids("") == all)
            #expect(try await ids("?status=draft") == drafts)
            #expect(try await ids("?status=finalized") == [acme.id, globex.id])
            #expect(try await ids("?status=void").isEmpty)
            #expect(try await ids("?status=draft,void") == drafts)
            #expect(try await ids("?period=2024-12") == drafts)
            #expect(try await ids("?period=2024-11&status=draft").isEmpty)
            #expect(try await ids("?number=\(globex.number)") == [globex.id])
            #expect(try await ids("?tenant=globex") == [globex.id, globex.draft])
            let tenant = try await store.key(tenant: "globex", "invoice:read")
            #expect(try await ids("", key: tenant) == [globex.id, globex.draft])
            for size in 1...3 {
                var seen: [String?] = []
                var query = "?limit=\(size)"
                while true {
                    let page = try await api.send(.get, "/v1/invoices" + query, key: admin)
                    seen += try items(page).map { $0["id"] as? String }
                    guard let cursor = try page.json["next_cursor"] as? String else { break }
                    query = "?limit=\(size)&cursor=\(cursor)"
                }
                #expect(seen == all)
            }
            let draft = try items(try await api.send(.get, "/v1/invoices?status=draft&limit=1", key: admin))
            #expect(draft.first?["total_minor"] == nil)
            for wrong in ["status=open", "period=2024-13", "cursor=x", "limit=1001", "tenants=acme"] {
                #expect(try await api.send(.get, "/v1/invoices?" + wrong, key: admin).status == .badRequest, "\(wrong)")
            }
        }
    }

    @Test func `A state changes only for who read the invoice as it is, and only for who takes the answer`()
        async throws
    {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let path = "/v1/invoices/\(acme.draft)"
            let tag = try #require(try await api.send(.get, path, key: admin).headers[.eTag])
            #expect(try await api.send(.get, path, key: admin).headers[.eTag] == tag)
            let none = try await api.send(.post, path + "/finalize", key: admin, headers: [.accept: "text/html"])
            #expect(none.status == .notAcceptable)
            for wrong in ["\"0\"", "\"\(String(repeating: "a", count: 32))\""] {
                let answer = try await api.send(.post, path + "/finalize", key: admin, headers: [.ifMatch: wrong])
                #expect(answer.status == .preconditionFailed)
            }
            #expect(try await api.send(.get, path, key: admin).json["status"] as? String == "draft")
            let done = try await api.send(.post, path + "/finalize", key: admin, headers: [.ifMatch: tag])
            #expect(done.status == .ok, "\(String(buffer: done.body))")
            let again = try await api.send(.post, path + "/finalize", key: admin)
            #expect(again.status == .conflict)
        }
    }

    @Test func `No credit is above what the lines were, whichever way it is asked`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            func issue(_ lines: String, invoice: String? = nil) async throws -> Int {
                try await api.post(
                    "/v1/credit-notes",
                    #"{"invoice":"\#(invoice ?? acme.number)","reason":"r","lines":[\#(lines)]}"#, key: admin
                ).status.code
            }
            #expect(try await issue(#"{"line":1,"amount_minor":109}"#) == 409)
            #expect(try await issue(#"{"line":1,"amount_minor":60},{"line":1,"amount_minor":48}"#) == 422)
            #expect(try await issue(#"{"line":2,"amount_minor":1}"#) == 422)
            #expect(try await issue(#"{"line":1,"amount_minor":0}"#) == 409)
            #expect(try await issue("") == 422)
            #expect(try await issue(#"{"line":1,"amount_minor":1}"#, invoice: "INV-1") == 422)
            #expect(try await issue(#"{"line":1,"amount_minor":1}"#, invoice: acme.draft) == 422)
            #expect(try await issue(#"{"line":1,"amount_minor":108}"#) == 201)
            #expect(try await issue(#"{"line":1,"amount_minor":1}"#) == 409)
        }
    }
}

/// An invoice in the form that a client takes.
@Suite struct InvoiceFormTests {
    static let printing = FileManager.default.isExecutableFile(atPath: "/usr/bin/weasyprint")

    private static func focus(_ version: String, _ dataset: String = "cost-and-usage") -> String {
        "application/vnd.focus+csv; version=\(version); dataset=\(dataset); charset=utf-8; header=present"
    }

    static let accepts: [(accept: String?, type: String?)] = [
        (nil, "application/json; charset=utf-8"), ("", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"), ("text/html", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/csv", "text/csv; charset=utf-8; header=present"), ("text/plain", "text/plain; charset=utf-8"),
        ("application/vnd.focus+csv", focus("1.4")), ("application/vnd.focus+csv; version=1.4", focus("1.4")),
        ("application/vnd.focus+csv;version=1.2", focus("1.2")),
        ("application/vnd.focus+csv;version=\"1.2\"; charset=utf-8", focus("1.2")),
        ("application/vnd.focus+csv;dataset=invoice-detail", focus("1.4", "invoice-detail")),
        ("application/vnd.focus+csv;dataset=invoice-detail;version=1.4", focus("1.4", "invoice-detail")),
        ("application/vnd.focus+csv, application/vnd.focus+csv;version=1.4;q=0.5", focus("1.2")),
        ("application/vnd.focus+csv;q=0.1, application/vnd.focus+csv;version=1.2;q=0.2, text/csv;q=0.1", focus("1.2")),
        ("text/html;q=0.2, text/csv;q=0.9, application/json;q=0.5", "text/csv; charset=utf-8; header=present"),
        ("text/*", "text/html; charset=utf-8"), ("text/*, text/html;q=0", "text/csv; charset=utf-8; header=present"),
        ("*/*, application/json;q=0", "text/html; charset=utf-8"),
        ("TEXT/CSV ; Q=1.0", "text/csv; charset=utf-8; header=present"),
        // Of 1.2 there are no invoice details, and no other version is made.
        ("application/vnd.focus+csv;dataset=invoice-detail;version=1.2", nil),
        ("application/vnd.focus+csv;version=1.3", nil), ("application/vnd.focus+csv;versoin=1.2", nil),
        ("image/png", nil), ("application/json;q=0", nil), ("text/html;q=0.000, image/*", nil), ("text/csv;q=abc", nil),
    ]

    @Test func `The form is the one that Accept weighs highest, each with its own validator`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let path = "/v1/invoices/\(acme.number)"
            var tags: [String: String] = [:]
            for (accept, type) in Self.accepts {
                var headers = HTTPFields()
                headers[.accept] = accept
                let answer = try await api.send(.get, path, key: admin, headers: headers)
                guard let type else {
                    #expect(answer.status == .notAcceptable, "\(accept ?? "none")")
                    #expect((try answer.json["detail"] as? String)?.contains("text/html, text/csv") == true)
                    continue
                }
                #expect(answer.status == .ok && answer.headers[.contentType] == type, "\(accept ?? "none")")
                #expect(answer.headers[.vary] == "Accept, Accept-Language, Accept-Encoding")
                let tag = try #require(answer.headers[.eTag])
                #expect(tags[type] ?? tag == tag)
                tags[type] = tag
                headers[.ifNoneMatch] = tag
                #expect(try await api.send(.get, path, key: admin, headers: headers).status == .notModified)
                let head = try await api.send(.head, path, key: admin, headers: [.accept: accept ?? "*/*"])
                #expect(head.headers[.contentLength] == String(answer.body.readableBytes) && head.headers[.eTag] == tag)
            }
            #expect(Set(tags.values).count == 7)
        }
    }

    @Test func `Each form says what waybill report writes`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            func form(_ type: String, _ query: String = "", _ id: String? = nil) async throws -> String {
                String(
                    buffer: try await api.send(
                        .get, "/v1/invoices/\(id ?? acme.number)" + query, key: admin, headers: [.accept: type]
                    ).body)
            }
            let invoice = try await BillingStore(store).invoice(acme.number, now: .now)
            let paper = try InvoicePaper(invoice)
            let templates = try Shipped.templates()
            let (english, german) = (try templates.language("en"), try templates.language("de"))
            #expect(try await form("text/html") == InvoicePage(paper, english).html(templates))
            #expect(try await form("text/html", "?language=de") == InvoicePage(paper, german).html(templates))
            #expect(try await form("text/plain") == InvoiceText(paper, english).text + "\n")
            #expect(try await form("text/csv") == InvoiceCSV(paper).text)
            for (parameters, dataset, version) in [
                ("", FocusDataset.costAndUsage, FocusVersion.v1_4), (";version=1.2", .costAndUsage, .v1_2),
                (";dataset=invoice-detail", .invoiceDetail, .v1_4),
            ] {
                #expect(
                    try await form("application/vnd.focus+csv" + parameters)
                        == FocusReport([paper]).csv(dataset, version))
            }
            #expect(try await form("text/html", "", acme.draft).contains("<html"))
            let page = try await api.send(
                .get, "/v1/invoices/\(acme.number)", key: admin, headers: [.accept: "text/html"])
            #expect(page.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
            let unknown = try await api.send(.get, "/v1/invoices/\(acme.number)?language=xx", key: admin)
            #expect(unknown.status == .badRequest)
        }
    }

    @Test func `What people read is in the language that they read, and each language is a representation of its own`()
        async throws
    {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let path = "/v1/invoices/\(acme.number)"
            var tags: [String: Set<String>] = [:]
            for (header, query, code) in [
                (nil, "", "en"), ("de", "", "de"), ("de-AT, en;q=0.8", "", "de"), ("DE", "", "de"),
                ("fr, de;q=0.3, en;q=0.2", "", "de"), ("en, de", "", "en"), ("de;q=0.5, en;q=0.5", "", "de"),
                ("fr, *;q=0.1", "", "en"), ("en;q=0.1, *;q=0.2", "", "de"), ("*, de;q=0", "", "en"), ("fr", "", "en"),
                ("de;q=0, en;q=0", "", "en"),
                ("den, deu", "", "en"), ("de", "?language=en", "en"), ("en", "?language=de", "de"), ("", "", "en"),
            ] as [(String?, String, String)] {
                for type in ["text/html", "text/plain"] {
                    var headers: HTTPFields = [.accept: type]
                    headers[.acceptLanguage] = header
                    let answer = try await api.send(.get, path + query, key: admin, headers: headers)
                    let comment: Comment = "\(header ?? "none") \(query) \(type)"
                    #expect(answer.headers[.contentLanguage] == code, comment)
                    #expect(answer.headers[.vary]?.contains("Accept-Language") == true, comment)
                    #expect(String(buffer: answer.body).contains(code == "de" ? "Rechnung" : "Invoice"), comment)
                    tags["\(type) \(code)", default: []].insert(try #require(answer.headers[.eTag]))
                }
            }
            #expect(tags.values.allSatisfy { $0.count == 1 } && Set(tags.values).count == 4)
            // What programs read has no language.
            for type in ["application/json", "text/csv", "application/vnd.focus+csv"] {
                var answers: [TestResponse] = []
                for code in ["en", "de"] {
                    let headers: HTTPFields = [.accept: type, .acceptLanguage: code]
                    answers.append(try await api.send(.get, path, key: admin, headers: headers))
                }
                #expect(answers[0].body == answers[1].body && answers[0].headers[.eTag] == answers[1].headers[.eTag])
                #expect(answers.allSatisfy { $0.headers[.contentLanguage] == nil })
            }
            // A form's validator is no other form's.
            let english = try #require(tags["text/html en"]?.first)
            for headers: HTTPFields in [
                [.accept: "text/html", .acceptLanguage: "de"], [.accept: "text/plain"], [.accept: "application/json"],
            ] {
                var headers = headers
                headers[.ifNoneMatch] = english
                #expect(try await api.send(.get, path, key: admin, headers: headers).status == .ok)
            }
        }
    }

    @Test func `A contract is named by its whole id`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let id = try await BilledTenant("acme", api, key: admin, store: store).contract
            func status(_ id: String) async throws -> Int {
                try await api.send(.get, "/v1/contracts/" + id, key: admin).status.code
            }
            #expect(try await status(id) == 200)
            for part in [String(id.dropLast()), String(id.prefix(1)), "%25", "_", id + "0", "%25" + id.dropFirst()] {
                #expect(try await status(part) == 404, "\(part)")
                let body = #"{"contract":"\#(part)","month":"2024-12"}"#
                #expect(try await api.post("/v1/invoices/preview", body, key: admin).status == .notFound, "\(part)")
            }
        }
    }

    @Test(.enabled(if: printing, "there is no weasyprint: run scripts/setup"))
    func `PDF is printed, and not printed again for who has it`() async throws {
        try await withGuardedAPI { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let path = "/v1/invoices/\(acme.number)"
            let answer = try await api.send(.get, path, key: admin, headers: [.accept: "application/pdf"])
            #expect(answer.status == .ok && answer.headers[.contentType] == "application/pdf")
            #expect(String(buffer: answer.body).hasPrefix("%PDF-"))
            #expect(answer.headers[.contentDisposition] == "inline; filename=\"\(acme.number).pdf\"")
            let tag = try #require(answer.headers[.eTag])
            let began = ContinuousClock.now
            let again = try await api.send(
                .get, path, key: admin, headers: [.accept: "application/pdf", .ifNoneMatch: tag])
            #expect(again.status == .notModified && again.body.readableBytes == 0)
            #expect(began.duration(to: .now) < .milliseconds(500))
        }
    }

    @Test func `Without WeasyPrint PDF is 406 with the remedy, and another form that is taken is made`() async throws {
        let printless = InvoiceForms(try Shipped.templates(), printer: nil)
        try await withGuardedAPI(forms: printless) { api, store in
            let admin = try await store.key("admin")
            let acme = try await BilledTenant("acme", api, key: admin, store: store)
            let path = "/v1/invoices/\(acme.number)"
            let refused = try await api.send(.get, path, key: admin, headers: [.accept: "application/pdf"])
            #expect(refused.status == .notAcceptable)
            #expect((try refused.json["detail"] as? String)?.hasSuffix("; PDF is not made here") == true)
            let other = try await api.send(
                .get, path, key: admin, headers: [.accept: "application/pdf, text/html;q=0.5"])
            #expect(other.headers[.contentType] == "text/html; charset=utf-8")
        }
    }

    @Test(.enabled(if: printing, "there is no weasyprint: run scripts/setup"))
    func `Few pages are printed at once, some wait, and who comes then is told to come again`() async throws {
        let script = try TestServer.scratchDirectory("print") + "/print.py"
        try """
        import sys, time
        for line in sys.stdin:
            time.sleep(0.5)
            open(line.rstrip("\\n").split("\\t")[1], "w").write("%PDF-1.7")
            print("ok", flush=True)
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let printer = try PDFPrinter(script: script)
        let outcomes = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<14 {
                group.addTask {
                    do {
                        return try await printer.print("<p>").count == 8 ? 200 : 0
                    } catch let problem as Problem {
                        return problem.retryAfter == 2 ? problem.status : 0
                    } catch {
                        return 1
                    }
                }
            }
            return await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == [200: PDFPrinter.most + PDFPrinter.mostWaiting, 503: 4])
    }
}
