import Metering
import Testing

/// Requests by the second in which they were counted.
@Suite struct EvidenceSecondsTests {
    private let quarterHour = QuarterHour(containing: Timestamp(seconds: 1_730_808_000))

    private func at(_ microseconds: Int64) -> Timestamp {
        quarterHour.start.advanced(byMicroseconds: microseconds)
    }

    private func seconds(_ offsets: [Int64]) -> EvidenceSeconds {
        var seconds = EvidenceSeconds(quarterHour)
        for offset in offsets { seconds.add(countedAt: at(offset)) }
        return seconds
    }

    @Test(arguments: [
        (Int64(0), Int64(3_000_000), Int64(4)), (1, 3_000_000, 2), (0, 2_999_999, 3), (1_000_000, 2_000_000, 1),
        (1_200_000, 1_800_000, 0), (900_000_000, 901_000_000, 0),
    ])
    func `Only the whole seconds between two instants are taken, and only once`(from: Int64, to: Int64, taken: Int64) {
        var seconds = seconds([0, 999_999, 1_500_000, 2_000_000, 899_999_999])
        #expect(seconds.take(from: at(from), to: at(to)) == taken)
        #expect(seconds.take(from: at(from), to: at(to)) == 0)
        #expect(seconds.answered == 5 - taken)
    }

    @Test func `What was counted in another quarter hour is left out`() {
        #expect(seconds([-1, 900_000_000]).answered == 0)
    }

    @Test func `What is stored is read again`() throws {
        let seconds = seconds([0, 0, 5_000_000, 899_000_000])
        #expect(try EvidenceSeconds(quarterHour, body: seconds.body) == seconds)
        #expect(throws: MeteringError.self) { try EvidenceSeconds(quarterHour, body: [0x84, 0x07, 1]) }
        #expect(throws: MeteringError.self) { try EvidenceSeconds(quarterHour, body: [0x80]) }
    }

    @Test func `Of two ways that show the same requests the larger counts, second by second`() {
        var first = seconds([0, 0, 1_000_000])
        first.raise(to: seconds([0, 1_000_000, 1_000_000, 2_000_000]))
        #expect(first.answered == 5)
    }
}
