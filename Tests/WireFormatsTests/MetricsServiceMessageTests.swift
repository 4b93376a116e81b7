import Testing
import WireFormats

@Suite struct MetricsServiceMessageTests {
    @Test("A counter and a gauge are read with name, value and time")
    func counterAndGauge() throws {
        let message =
            Wire.family(Wire.name("a.rq"), Wire.type(0), Wire.metric(Wire.counter(17), Wire.time(1_795_416_331_001)))
            + Wire.family(Wire.name("a.active"), Wire.type(1), Wire.metric(Wire.gauge(-3.5), Wire.time(-1)))
        let visitor = try RecordingVisitor.reading(message)
        #expect(
            visitor.metrics == [
                .init(family: "a.rq", kind: .counter, value: 17, timestampMilliseconds: 1_795_416_331_001),
                .init(family: "a.active", kind: .gauge, value: -3.5, timestampMilliseconds: -1),
            ])
        #expect(visitor.nodes.isEmpty)
    }

    @Test("A family's fields may come in any order, unknown ones between them")
    func anyOrder() throws {
        let unknown = Wire.number(99, 5) + Wire.tag(98, 3) + Wire.text(1, "x") + Wire.tag(98, 4)
        let name = Wire.text(2, "help") + Wire.name("g")
        let type = Wire.type(1)
        let metric = Wire.metric(Wire.time(5), unknown, Wire.gauge(2), Wire.label("k", "v"))
        let expected = RecordingVisitor.Metric(
            family: "g", labels: ["k=v"], kind: .gauge, value: 2, timestampMilliseconds: 5)
        for order in [
            [name, type, metric], [name, metric, type], [type, name, metric], [type, metric, name],
            [metric, name, type], [metric, type, name],
        ] {
            let visitor = try RecordingVisitor.reading(Wire.family(Array(order.joined(separator: unknown))))
            #expect(visitor.metrics == [expected])
        }
    }

    @Test("Each metric of a family is given with its own labels")
    func labels() throws {
        let message = Wire.family(
            Wire.name("cluster.rq"), Wire.type(0),
            Wire.metric(Wire.label("cluster", "a"), Wire.label("code", "200"), Wire.counter(1)),
            Wire.metric(Wire.counter(2)),
            Wire.metric(Wire.bytes(1, Wire.text(2, "only a value")), Wire.counter(3)))
        let metrics = try RecordingVisitor.reading(message).metrics
        #expect(metrics.map(\.value) == [1, 2, 3])
        #expect(metrics.map(\.labels) == [["cluster=a", "code=200"], [], ["=only a value"]])
    }

    @Test("Histograms, summaries and types unknown are skipped", arguments: [2, 3, 4, 5, 77] as [UInt64])
    func otherTypes(_ type: UInt64) throws {
        let message = Wire.family(
            Wire.name("h"), Wire.type(type), Wire.metric(Wire.counter(1), Wire.gauge(1), Wire.bytes(7, [])))
        let visitor = try RecordingVisitor.reading(message)
        #expect(visitor.metrics.isEmpty)
        #expect(visitor.asked.isEmpty)
    }

    @Test("What the wire leaves out has the schema's default; a metric of another kind is no reading")
    func defaults() throws {
        let message = Wire.family(
            Wire.metric(Wire.bytes(3, [])), Wire.metric(Wire.gauge(5)), Wire.metric(), Wire.metric(Wire.counter(4)))
        #expect(
            try RecordingVisitor.reading(message).metrics == [
                .init(family: "", kind: .counter, value: 0, timestampMilliseconds: 0),
                .init(family: "", kind: .counter, value: 4, timestampMilliseconds: 0),
            ])
    }

    @Test("Of a field that comes twice the last counts")
    func lastCounts() throws {
        let message = Wire.family(
            Wire.name("old"), Wire.name("new"), Wire.type(1), Wire.type(0),
            Wire.metric(Wire.counter(1), Wire.time(1), Wire.counter(2), Wire.time(2)))
        #expect(
            try RecordingVisitor.reading(message).metrics == [
                .init(family: "new", kind: .counter, value: 2, timestampMilliseconds: 2)
            ])
    }

    @Test("A family that is not wanted is asked for once, and skipped")
    func wants() throws {
        let two = Wire.metric(Wire.counter(1)) + Wire.metric(Wire.counter(2))
        let message =
            Wire.family(Wire.name("a"), two) + Wire.family(Wire.name("b"), two) + Wire.family(Wire.name("empty"))
        let visitor = try RecordingVisitor.reading(message, wanted: ["b"])
        #expect(visitor.asked == ["a", "b"])
        #expect(visitor.metrics.map(\.family) == ["b", "b"])
    }

    @Test("Values come as they are on the wire", arguments: [.nan, .infinity, -0.0, -1, 0.5, 9_007_199_254_740_994])
    func values(_ value: Double) throws {
        let message = Wire.family(Wire.name("a"), Wire.metric(Wire.counter(value)))
        let read = try #require(try RecordingVisitor.reading(message).metrics.first)
        #expect(read.value.bitPattern == value.bitPattern)
    }

    @Test("The node is given before the metrics, even where it stands behind them")
    func nodeFirst() throws {
        let family = Wire.family(Wire.name("a"), Wire.metric(Wire.counter(1)))
        let visitor = try RecordingVisitor.reading(
            family + Wire.identifier(Wire.text(1, "n"), Wire.text(2, "c")) + family)
        #expect(visitor.nodes == [EnvoyNode(id: "n", cluster: "c")])
        #expect(visitor.metricsBeforeNode == 0)
        #expect(visitor.metrics.count == 2)
    }

    @Test("Text fields of the metadata are read; numbers, flags, lists and structures are not")
    func metadata() throws {
        let structure = Wire.bytes(5, Wire.bytes(1, Wire.text(1, "boot_id") + Wire.bytes(2, Wire.text(3, "nested"))))
        let node = try #require(
            try MetricsServiceMessage.identifier(
                of: Wire.identifier(
                    Wire.text(1, "n"),
                    Wire.metadata("boot_id", Wire.text(3, "b-1")), Wire.metadata("zone", Wire.text(3, "Zürich")),
                    Wire.metadata("null", Wire.number(1, 0)), Wire.metadata("number", Wire.double(2, 1)),
                    Wire.metadata("flag", Wire.number(4, 1)), Wire.metadata("structure", structure),
                    Wire.metadata("list", Wire.bytes(6, [])), Wire.metadata("none", []),
                    Wire.bytes(7, [UInt8](repeating: 0xFF, count: 40_000))
                ).span))
        #expect(node.metadata == ["boot_id": "b-1", "zone": "Zürich"])
        #expect(node.bootID == "b-1")
        #expect(EnvoyNode(id: "n").bootID == nil)
        #expect(EnvoyNode(metadata: ["boot_id": ""]).bootID == nil)
    }

    @Test("An identifier without a node is told from no identifier")
    func emptyIdentifier() throws {
        #expect(try MetricsServiceMessage.identifier(of: Wire.bytes(1, []).span) == EnvoyNode())
        #expect(try MetricsServiceMessage.identifier(of: Wire.family(Wire.name("a")).span) == nil)
    }

    @Test(
        "A known field of the wrong shape is refused with its code",
        arguments: [
            (Wire.number(1, 1), .wrongWireType),
            (Wire.number(2, 1), .wrongWireType),
            (Wire.family(Wire.number(1, 1)), .wrongWireType),
            (Wire.family(Wire.text(3, "x")), .wrongWireType),
            (Wire.family(Wire.metric(Wire.number(3, 1))), .wrongWireType),
            (Wire.family(Wire.metric(Wire.bytes(3, Wire.number(1, 1)))), .wrongWireType),
            (Wire.family(Wire.metric(Wire.text(6, ""))), .wrongWireType),
            (Wire.identifier(Wire.bytes(1, [0xFF])), .invalidUTF8),
            (Wire.identifier(Wire.bytes(2, [0xC0, 0x80])), .invalidUTF8),
            (Wire.identifier(Wire.number(3, 1)), .wrongWireType),
        ] as [([UInt8], WireFormatError.Code)])
    func wrongShape(_ message: [UInt8], _ code: WireFormatError.Code) {
        let error = #expect(throws: WireFormatError.self) { try RecordingVisitor.reading(message) }
        #expect(error?.code == code)
    }
}
