import GRPCCore
import Ingest
import TestSupport
import Testing
import WireFormats

@Suite struct MetricsServiceReceiverTests {
    private static func flushes() throws -> [[UInt8]] {
        try Capture.payloads("metrics_service_cumulative/capture.bin.gz").filter { !$0.isEmpty }
    }

    @Test("A captured stream arrives byte for byte, in order, one message at a time, with its receive times")
    func capture() async throws {
        let flushes = try Self.flushes()
        let streams = RecordingStreams { _ in await Task.yield() }
        try await ReceiverHarness.run(streams: streams) { receiver in
            #expect(await receiver.send(flushes) == nil)
        }
        #expect(streams.records.count == 1)
        let record = try #require(streams.records.first)
        #expect(record.messages == flushes)
        #expect(record.times == [Int64](repeating: 42, count: flushes.count))
        #expect(record.atOnce == 1)
        #expect(record.peer.hasPrefix("ipv4:127.0.0.1:"))
        #expect(record.end?.name == "closedByPeer")
    }

    @Test("Streams of one connection are kept apart")
    func twoStreams() async throws {
        let streams = RecordingStreams { _ in await Task.yield() }
        let sent: [[[UInt8]]] = (1...8).map { [UInt8($0)] }.map { Array(repeating: $0, count: 50) }
        try await ReceiverHarness.run(streams: streams) { receiver in
            await withTaskGroup(of: Void.self) { group in
                for messages in sent { group.addTask { #expect(await receiver.send(messages) == nil) } }
            }
        }
        #expect(Set(streams.records.map(\.messages)) == Set(sent))
        #expect(streams.records.count == sent.count)
    }

    @Test("A message of the largest size is taken; one byte more closes its stream and no other")
    func oversize() async throws {
        let streams = RecordingStreams()
        try await ReceiverHarness.run(streams: streams, largestMessage: 5 << 20) { receiver in
            #expect(await receiver.send([[UInt8](repeating: 1, count: 5 << 20)]) == nil)
            #expect(await receiver.send([[1], [UInt8](repeating: 1, count: 5 << 20 | 1)]) != nil)
            #expect(await receiver.send([[2]]) == nil)
        }
        #expect(streams.records.map(\.messages.count) == [1, 1, 1])
        #expect(streams.records.map { $0.end?.name } == ["closedByPeer", "lost", "closedByPeer"])
    }

    @Test("An address holds as many streams open as it may, and another when one of them has ended")
    func streamsPerPeer() async throws {
        let streams = RecordingStreams()
        try await ReceiverHarness.run(streams: streams, streamsPerPeer: 2) { receiver in
            let (release, releasing) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: RPCError.Code?.self) { group in
                for number in 0..<2 as Range<UInt8> {
                    group.addTask {
                        await receiver.stream { writer in
                            try await writer.write([number])
                            for await _ in release { return }
                        }
                    }
                }
                for _ in 0..<500 where streams.records.count < 2 { try await Task.sleep(for: .milliseconds(10)) }
                #expect(streams.records.count == 2)
                // The limit is the address's, not the connection's.
                try await receiver.onOwnConnection { other, _ in
                    #expect(await other.send([[3]]) == .resourceExhausted)
                }
                #expect(await receiver.send([[3]]) == .resourceExhausted)
                releasing.yield()
                #expect(try await group.next() == .some(nil))
                #expect(await receiver.send([[4]]) == nil)
                releasing.finish()
                #expect(try await group.next() == .some(nil))
            }
        }
        #expect(Set(streams.records.map(\.messages)) == [[[0]], [[1]], [[4]]])
    }

    @Test("A stream whose message does not fit into the budget is refused, and given nothing")
    func budget() async throws {
        let streams = RecordingStreams()
        let budget = InFlightBudget(limit: 1_000)
        try await ReceiverHarness.run(streams: streams, budget: budget) { receiver in
            #expect(await receiver.send([[UInt8](repeating: 1, count: 1_001)]) == .resourceExhausted)
            #expect(await receiver.send([[UInt8](repeating: 1, count: 1_000)]) == nil)
        }
        #expect(streams.records.map(\.messages.count) == [0, 1])
        #expect(streams.records.first?.end?.name == "refused")
        #expect(budget.inFlight == 0)
    }

    @Test("The budget is one for all streams: while one stream's message is worked on, another has no room")
    func sharedBudget() async throws {
        let (begun, first) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        let streams = RecordingStreams { message in
            guard message.first == 1 else { return }
            first.finish()
            for await _ in released {}
        }
        try await ReceiverHarness.run(streams: streams, budget: InFlightBudget(limit: 1_000)) { receiver in
            async let held = receiver.send([[UInt8](repeating: 1, count: 600)])
            for await _ in begun {}
            #expect(await receiver.send([[UInt8](repeating: 2, count: 600)]) == .resourceExhausted)
            release.finish()
            #expect(await held == nil)
            #expect(await receiver.send([[UInt8](repeating: 2, count: 600)]) == nil)
        }
    }

    @Test(
        "What a stream throws becomes the status it stands for",
        arguments: [
            (MetricsStreamRefusal(.missingIdentifier, "no identifier"), .invalidArgument),
            (MetricsStreamRefusal(.malformed, "?"), .invalidArgument),
            (MetricsStreamRefusal(.overloaded, "later"), .resourceExhausted),
            (MetricsStreamRefusal(.unavailable, "later"), .unavailable),
            (WireFormatError(.truncated, at: 1, "cut"), .invalidArgument),
            (CancellationError(), .internalError),
        ] as [(any Error, RPCError.Code)])
    func refusals(_ error: any Error, _ code: RPCError.Code) async throws {
        let streams = RecordingStreams { message in
            if message == [2] { throw error }
        }
        try await ReceiverHarness.run(streams: streams) { receiver in
            #expect(await receiver.send([[1], [2], [3]]) == code)
        }
        #expect(streams.records.map(\.messages) == [[[1]]])
        #expect(streams.records.first?.end?.name == "refused")
    }

    @Test("A graceful shutdown ends an open stream with UNAVAILABLE, after what it had received")
    func shutdown() async throws {
        let (taken, gate) = AsyncStream<Void>.makeStream()
        let streams = RecordingStreams { _ in gate.finish() }
        try await ReceiverHarness.run(streams: streams) { receiver in
            let code = await receiver.stream { writer in
                try await writer.write([7])
                for await _ in taken {}
                await receiver.shutDown()
                // As Envoy: the stream is never ended by the peer.
                try await Task.sleep(for: .seconds(600))
            }
            #expect(code == .unavailable)
        }
        #expect(streams.records.map(\.messages) == [[[7]]])
        #expect(streams.records.first?.end?.name == "shuttingDown")
    }

    @Test("A shutdown that finds a stream at work on a message lets it finish, and does not take that for a failure")
    func shutdownAtWork() async throws {
        let (begun, first) = AsyncStream<Void>.makeStream()
        let streams = RecordingStreams { _ in
            first.finish()
            // Ends when the shutdown cancels the task.
            try? await Task.sleep(for: .seconds(600))
        }
        try await ReceiverHarness.run(streams: streams) { receiver in
            async let code = receiver.stream { writer in
                try await writer.write([7])
                try await Task.sleep(for: .seconds(600))
            }
            for await _ in begun {}
            await receiver.shutDown()
            #expect(await code == .unavailable)
        }
        #expect(streams.records.map(\.messages) == [[[7]]])
        #expect(streams.records.first?.end?.name == "shuttingDown")
    }

    @Test("A stream whose connection breaks is lost, and what came before stands")
    func brokenConnection() async throws {
        let (taken, gate) = AsyncStream<Void>.makeStream()
        let streams = RecordingStreams { _ in gate.finish() }
        try await ReceiverHarness.run(streams: streams) { receiver in
            try await receiver.onOwnConnection { client, breakConnection in
                await client.stream { writer in
                    try await writer.write([7])
                    for await _ in taken {}
                    breakConnection()
                    try await Task.sleep(for: .seconds(600))
                }
            }
            var ends = streams.ends.makeAsyncIterator()
            let end = await ends.next()
            #expect(end?.name == "lost", "\(String(describing: end))")
        }
        #expect(streams.records.map(\.messages) == [[[7]]])
    }

    @Test("A port in use is said to be in use")
    func addressInUse() async throws {
        try await ReceiverHarness.run(streams: RecordingStreams()) { receiver in
            let second = MetricsServiceReceiver(
                configuration: .init(port: receiver.address.port), streams: RecordingStreams(),
                budget: InFlightBudget(),
                now: { 0 }, logger: ReceiverHarness.logger)
            let error = await #expect(throws: ReceiverError.self) { try await second.run() }
            #expect(error?.code == .addressInUse)
            #expect(error?.message.contains("127.0.0.1:\(receiver.address.port)") == true)
        }
    }

    @Test(
        "An address that is none, or none of this machine's, is refused", arguments: ["localhost", "192.0.2.1", "::g"])
    func badAddress(_ host: String) async throws {
        let receiver = MetricsServiceReceiver(
            configuration: .init(host: host, port: 0), streams: RecordingStreams(), budget: InFlightBudget(),
            now: { 0 },
            logger: ReceiverHarness.logger)
        let error = await #expect(throws: ReceiverError.self) { try await receiver.run() }
        #expect(error?.code == .cannotListen)
        #expect(error?.message.contains(host) == true)
    }
}
