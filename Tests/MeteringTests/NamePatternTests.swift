import Metering
import Testing

@Suite struct NamePatternTests {
    @Test(
        "A pattern matches whole names and captures its words",
        arguments: [
            ("http.a.rq", "http.a.rq", [:]),
            ("http.a.rq", "http.a.rq_total", nil),
            ("http.a.rq", "xhttp.a.rq", nil),
            ("", "", [:]),
            ("", "a", nil),
            ("*", "", [:]),
            ("*", "any.thing", [:]),
            ("http.*.rq", "http.a.b.c.rq", [:]),
            ("http.*.rq", "http..rq", [:]),
            ("http.*.rq", "http.rq", nil),
            ("http*rq", "httprq", [:]),
            ("a**b", "a.b", [:]),
            ("http.tenant_{tenant}.rq", "http.tenant_acme.rq", ["tenant": "acme"]),
            ("http.tenant_{tenant}.rq", "http.tenant_.rq", nil),
            ("http.tenant_{tenant}.rq", "http.tenant_a.b.rq", nil),
            ("cluster.{ns}_{svc}_{port}.rq", "cluster.shop_cart_80.rq", ["ns": "shop", "svc": "cart", "port": "80"]),
            (
                "cluster.{ns}_{svc}_{port}.rq", "cluster.my_shop_cart_80.rq",
                ["ns": "my_shop", "svc": "cart", "port": "80"]
            ),
            ("{a}.{b}", "x.y", ["a": "x", "b": "y"]),
            ("{a}.{b}", "x.y.z", nil),
            ("*.{last}", "x.y.z", ["last": "z"]),
            ("{word}", "caf\u{e9}", ["word": "caf\u{e9}"]),
            ("a.{w}*", "a.bc.d", ["w": "bc"]),
        ] as [(String, String, [String: String]?)])
    func match(_ example: (pattern: String, name: String, captures: [String: String]?)) throws {
        let pattern = try NamePattern(example.pattern)
        #expect(pattern.match(example.name) == example.captures)
        #expect(pattern.matches(example.name) == (example.captures != nil))
        #expect(pattern.description == example.pattern)
    }

    @Test(
        "A pattern that says nothing clear is refused with its text",
        arguments: ["a.{b", "a.{}.c", "{a}.{a}", "*a*b*c*d*", "{a}.{b}.{c}.{d}.{e}"])
    func refused(text: String) {
        let error = #expect(throws: MeteringError.self) { try NamePattern(text) }
        #expect(error?.code == .pattern)
        #expect(error?.message.contains(text) == true)
    }

    /// With plain backtracking the first of these takes 512⁴ ÷ 24 steps: minutes. Here the test ends.
    @Test(
        "Names made to be hard are matched in bounded work", arguments: ["*a*a*a*b", "*{a}b{c}b", "{a}a{b}a{c}a{d}b"])
    func hostileNames(text: String) throws {
        let pattern = try NamePattern(text)
        for name in [String(repeating: "a", count: 512), String(repeating: "ab.", count: 170) + "aa"] {
            #expect(!pattern.matches(name))
        }
    }

    @Test("Collect patterns include, then exclude, and are read as they were written")
    func collect() throws {
        let collect = try CollectPatterns(canonicalText: "+ http.*\n+ tcp.*\n- http.admin.*\n! http.tenant_*")
        #expect(collect.selects("http.a.rq") && !collect.selects("http.admin.rq") && !collect.selects("server.uptime"))
        #expect(collect.pins("http.tenant_a") && !collect.pins("tcp.a"))
        #expect(try CollectPatterns(canonicalText: collect.canonicalText) == collect)
        #expect(throws: MeteringError.self) { try CollectPatterns(canonicalText: "? http.*") }
    }
}
