import BigInt

/// A decimal as an exact number.
struct Exact: Comparable {
    struct Unreadable: Error { let text: String }

    static let zero = Exact(units: 0, places: 0)
    private let units: BigInt
    private let places: Int

    init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        guard parts.count <= 2, let units = BigInt(String(parts[0]) + fraction) else { throw Unreadable(text: text) }
        self.init(units: units, places: fraction.count)
    }

    private init(units: BigInt, places: Int) {
        self.units = units
        self.places = places
    }

    private func scaled(to places: Int) -> BigInt { units * BigInt(10).power(places - self.places) }

    static func + (left: Exact, right: Exact) -> Exact {
        let places = max(left.places, right.places)
        return Exact(units: left.scaled(to: places) + right.scaled(to: places), places: places)
    }

    static func * (left: Exact, right: Exact) -> Exact {
        Exact(units: left.units * right.units, places: left.places + right.places)
    }

    static func == (left: Exact, right: Exact) -> Bool {
        let places = max(left.places, right.places)
        return left.scaled(to: places) == right.scaled(to: places)
    }

    static func < (left: Exact, right: Exact) -> Bool {
        let places = max(left.places, right.places)
        return left.scaled(to: places) < right.scaled(to: places)
    }
}
