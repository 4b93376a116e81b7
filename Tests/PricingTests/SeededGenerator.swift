/// SplitMix64: the same seed gives the same case, so that a failure can be run again. Source: Steele, Lea, Flood 2014.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A whole number whose magnitude is spread over all lengths in bits.
    mutating func spread(upTo bits: Int) -> Int64 {
        Int64(truncatingIfNeeded: next() >> 1) >> Int64(63 - Int.random(in: 0...bits, using: &self))
    }
}
