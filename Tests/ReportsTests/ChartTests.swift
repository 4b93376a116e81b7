import Foundation
import FoundationXML
import Reports
import Testing

@Suite("Charts")
struct ChartTests {
    static let charts: [Chart] = [
        DailyBars((1...31).map { .init(label: "\($0)", value: Int128($0 * 37), tooltip: "<\($0)>", hasGap: $0 == 7) })
            .chart(id: "days", title: "Requests & more", summary: "Bars \"of\" days") { "\($0)" },
        DailyBars([]).chart(id: "none", title: "Nothing", summary: "No bars") { "\($0)" },
        StackedBars(
            parts: ["hours", "units"],
            rows: [
                .init(label: "own", values: [12, 5], total: "17"), .init(label: "alb", values: [0, -3], total: "-3"),
                .init(label: String(repeating: "long ", count: 60), values: [.max / 4, .max / 4], total: "much"),
            ]
        ).chart(id: "stack", title: "Costs", summary: "Stacked") { "\($0)" },
        HeatStrip(
            columns: (0..<24).map(String.init),
            rows: [.init(label: "1", cells: (0..<24).map { .init(level: $0 / 4, hasGap: $0 == 3, tooltip: "\($0)") })],
            legend: [(0, nil, "none"), (5, "N", "many")], gapText: "gap"
        ).chart(id: "heat", title: "Hours", summary: "Cells"),
        LineCurve(
            [.init(name: "fee", points: [(0, -500), (10, 900)]), .init(name: "other", points: [(0, 0), (10, 1)])],
            marks: [.init(x: 9, y: 300, text: "here")]
        ).chart(
            id: "curve", title: "Break-even", summary: "Lines", xTitle: "bytes", xTick: { "\($0)" }, yTick: { "\($0)" }),
        LineCurve([.init(name: "flat", points: [(0, 0), (0, 0)])]).chart(
            id: "flat", title: "Flat", summary: "Zero", xTitle: "x", xTick: { "\($0)" }, yTick: { "\($0)" }),
    ]

    @Test("Every chart is well-formed, has a title and a description, and stays inside its box", arguments: charts)
    func wellFormed(_ chart: Chart) throws {
        let root = try root(of: chart)
        #expect(root.elements(forName: "title").first?.stringValue == chart.title)
        #expect(root.elements(forName: "desc").first?.stringValue == chart.summary)
        #expect(root.attribute(forName: "role")?.stringValue == "img")
        #expect(root.attribute(forName: "aria-labelledby")?.stringValue == "\(chart.id)-title \(chart.id)-desc")
        let box = try #require(root.attribute(forName: "viewBox")?.stringValue).split(separator: " ").compactMap {
            Int($0)
        }
        for rectangle in root.elements(forName: "rect") {
            func number(_ name: String) -> Int { Int(rectangle.attribute(forName: name)?.stringValue ?? "") ?? -1 }
            #expect(number("x") >= 0 && number("y") >= 0 && number("width") >= 0 && number("height") >= 0)
            #expect(number("x") + number("width") <= box[2] && number("y") + number("height") <= box[3])
        }
    }

    @Test("A bar is as long as its value, and a value above zero is never invisible")
    func lengths() throws {
        let chart = DailyBars([0, 1, 500_000, 1_000_000].map { .init(label: "", value: $0, tooltip: "") })
            .chart(id: "a", title: "t", summary: "s") { "\($0)" }
        let root = try root(of: chart)
        let heights = root.elements(forName: "rect").compactMap {
            Int($0.attribute(forName: "height")?.stringValue ?? "")
        }
        try #require(heights.count == 4)
        #expect(heights[0] == 0 && heights[1] > 0 && heights[3] == 2 * heights[2])
    }

    @Test("A value is in the level of its fifth", arguments: [(0, 0), (1, 1), (200, 1), (201, 2), (1000, 5)])
    func levels(_ value: Int64, _ level: Int) {
        #expect(HeatStrip.Cell.level(value, of: 1000) == level)
    }

    /// FoundationXML finds attributes by their name alone where there is no namespace.
    private func root(of chart: Chart) throws -> XMLElement {
        let svg = chart.svg.replacing(" xmlns=\"http://www.w3.org/2000/svg\"", with: "")
        return try #require(try XMLDocument(xmlString: svg).rootElement())
    }
}

extension Chart: CustomTestStringConvertible {
    /// Its id.
    public var testDescription: String { id }
}
