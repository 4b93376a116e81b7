import Metering
import Testing

@Suite struct TimestampTests {
    @Test("An instant from 1900 to 2200 is read as it is printed")
    func roundTrip() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            var microseconds = random.pick(-2_208_988_800_000_000...7_258_118_399_999_999)
            if random.chance(30) { microseconds -= microseconds % 1_000_000 }
            if random.chance(30) { microseconds -= microseconds % 1000 }
            let time = Timestamp(microseconds: microseconds)
            #expect(Timestamp(time.description) == time, "\(microseconds)")
        }
    }

    @Test(
        "An instant prints in RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (1_793_664_000_500_000, "2026-11-03T00:00:00.5Z"), (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (.min, "0001-01-01T00:00:00Z"), (.max, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func prints(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text) == Timestamp(microseconds: microseconds))
    }

    @Test(
        "What is no instant in UTC is not read",
        arguments: [
            "", "2026-11-03", "2026-11-03T12:00:00", "2026-11-03T12:00:00+00:00", "2026-11-03 12:00:00Z",
            "2026-13-03T12:00:00Z", "2026-00-03T12:00:00Z", "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z",
            "2026-11-31T12:00:00Z", "2026-11-00T12:00:00Z", "2026-11-03T24:00:00Z", "2026-11-03T12:60:00Z",
            "2026-11-03T12:00:60Z", "2026-11-03T12:00:00.Z", "2026-11-03T12:00:00.1234567Z", "2026-11-03T12:00:00,5Z",
            "2026-11-03T12:00:00.-1Z", "+026-11-03T12:00:00Z", "0000-01-01T00:00:00Z", "２026-11-03T12:00:00Z",
            "2026-11-03T12:00:00z", "12026-11-03T12:00:00Z", "2026-11-03T12:00:00Z ",
        ])
    func refused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("Spans that no calendar holds lead to its ends")
    func bounds() {
        #expect(Timestamp.latest.advanced(byMicroseconds: 1) == .latest)
        #expect(Timestamp.at(12, 0).advanced(byMicroseconds: .max) == .latest)
        #expect(Timestamp.at(12, 0).advanced(byMicroseconds: .min) == .earliest)
        #expect(Timestamp(seconds: .max) == .latest && Timestamp(seconds: .min) == .earliest)
        #expect(Timestamp.latest.microseconds(since: .earliest) > 0)
        #expect(QuarterHour(containing: .earliest).start == .earliest)
        #expect(QuarterHour(containing: .latest).end == .latest)
    }

    @Test("A quarter hour holds its start and not its end")
    func quarterHours() {
        let quarterHour = QuarterHour(containing: .at(12, 14, 59))
        #expect(quarterHour.start == .at(12, 0) && quarterHour.next.start == .at(12, 15))
        #expect(QuarterHour(containing: quarterHour.end) == quarterHour.next)
        #expect(QuarterHour(start: .at(12, 14)) == nil && QuarterHour(start: .at(12, 45)) != nil)
        #expect(QuarterHour(containing: Timestamp(microseconds: -1)).start == Timestamp(seconds: -900))
    }
}
