import Metering
import Testing
import WireFormats

@testable import Ingest

/// Who may send statsd, and as whom it is counted.
@Suite struct StatsdSendersTests {
    @Test(
        "A block holds its addresses",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false), ("192.168.4.0/22", "192.168.7.255", true),
            ("192.168.4.0/22", "192.168.8.0", false), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ])
    func blocks(block: String, address: String, isIn: Bool) throws {
        let block = try #require(CIDRBlock(block))
        #expect(block.contains(try #require(PeerAddress(address))) == isIn)
    }

    @Test(
        "What is no block is refused",
        arguments: ["", "10.0.0.0/33", "10.0.0/8", "::/129", "host", "10.0.0.0/-1", "10.0.0.0/"])
    func badBlocks(text: String) {
        #expect(CIDRBlock(text) == nil)
    }

    private func rule(_ gateway: String, _ allow: String, _ change: (inout StatsdSenders.Rule) -> Void = { _ in })
        throws
        -> StatsdSenders.Rule
    {
        var rule = StatsdSenders.Rule(gateway: gateway, allow: [try #require(CIDRBlock(allow))])
        change(&rule)
        return rule
    }

    @Test("An instance is told by its address, its prefix or a fixed tag")
    func instances() throws {
        let senders = StatsdSenders(rules: [
            try rule("by-address", "10.1.0.0/16"),
            try rule("by-prefix", "10.2.0.0/16") { ($0.prefix, $0.instance) = ("billing", .prefix) },
            try rule("by-tag", "10.3.0.0/16") { ($0.dialect, $0.instance) = (.dogstatsd, .tag("envoy_node")) },
        ])
        let tagged = "envoy.http.downstream_rq_completed:3|c|#envoy.http_conn_manager_prefix:a,envoy_node:n9\n"
        let cases = [
            ("10.1.0.7", "envoy.http.a.downstream_rq_completed:3|c", "by-address", "10.1.0.7", "envoy"),
            ("10.2.0.7", "billing.n7.http.a.downstream_rq_completed:3|c", "by-prefix", "n7", "billing.n7"),
            ("10.3.0.7", tagged, "by-tag", "n9", "envoy"),
        ]
        for (address, line, gateway, instance, prefix) in cases {
            let address = try #require(PeerAddress(address))
            let sender = try #require(senders.known(address) ?? senders.sender(address, payload: Array(line.utf8).span))
            let source: SourceKind = gateway == "by-tag" ? .dogstatsd : .statsd
            #expect(sender.key == OdometerKey(source: source, gateway: gateway, instance: instance))
            #expect(sender.prefix == prefix)
        }
        let stranger = try #require(PeerAddress("192.0.2.1"))
        #expect(!senders.allows(stranger))
        #expect(senders.sender(stranger, payload: Array(tagged.utf8).span) == nil)
        let nameless = try #require(PeerAddress("10.3.0.7"))
        #expect(senders.sender(nameless, payload: Array("envoy.x:1|c".utf8).span) == nil)
    }

    @Test("Two gateways behind one address are told by their prefixes")
    func prefixes() throws {
        let senders = StatsdSenders(rules: [
            try rule("eu", "10.0.0.0/8") { $0.prefix = "eu" }, try rule("us", "10.0.0.0/8") { $0.prefix = "us" },
        ])
        let address = try #require(PeerAddress("10.0.0.1"))
        #expect(senders.known(address) == nil)
        #expect(senders.sender(address, payload: Array("us.http.a.b:1|c".utf8).span)?.key.gateway == "us")
        #expect(senders.sender(address, payload: Array("ap.http.a.b:1|c".utf8).span) == nil)
    }
}
