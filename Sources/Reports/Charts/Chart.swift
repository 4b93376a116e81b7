/// A chart as SVG: readable in black and white, and by a screen reader.
///
/// Every chart has a `title` and a `desc`; the reports put its figures beside it as a table. Shades differ in lightness
/// and parts that touch are divided by a line, so that nothing depends on colour. Attributes give the look on paper;
/// the style sheet changes it by class where the screen is dark. Coordinates are whole numbers: tenths of a pixel.
package struct Chart: Sendable {
    /// A name that is unique on the page: letters, digits, `-`.
    package let id: String
    package let title: String
    package let summary: String
    let width: Int
    let height: Int
    let body: String

    /// The `<svg>` element.
    package var svg: String {
        """
        <svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" \
        width="\(width / 10)" height="\(height / 10)" \
        font-family="Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif" role="img" aria-labelledby="\(id)-title \(id)-desc">
        <title id="\(id)-title">\(SafeText.xml(title))</title>
        <desc id="\(id)-desc">\(SafeText.xml(summary))</desc>
        \(body)</svg>
        """
    }
}

/// The parts of a chart in the making.
struct ChartDrawing {
    /// Shades from light to dark; the sixth is for a single series.
    static let shades = ["#dbe7f3", "#adc8e2", "#7aa6cf", "#4a7fb5", "#28588c", "#12345c"]
    static let ink = "#1c2733"
    static let faint = "#c6ced6"
    static let characterWidth = 62

    private(set) var body = ""

    enum Anchor: String {
        case start, middle, end
    }

    mutating func rectangle(_ x: Int, _ y: Int, _ width: Int, _ height: Int, shade: Int, tooltip: String? = nil) {
        let attributes =
            "class=\"s\(shade)\" x=\"\(x)\" y=\"\(y)\" width=\"\(max(0, width))\" height=\"\(max(0, height))\" "
            + "fill=\"\(Self.shades[min(max(shade, 0), Self.shades.count - 1)])\""
        if let tooltip {
            body += "<rect \(attributes)><title>\(SafeText.xml(tooltip))</title></rect>\n"
        } else {
            body += "<rect \(attributes)/>\n"
        }
    }

    /// An empty box with an outline.
    mutating func box(_ x: Int, _ y: Int, _ width: Int, _ height: Int, tooltip: String? = nil) {
        let attributes =
            "class=\"box\" x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" fill=\"none\" "
            + "stroke=\"\(Self.faint)\" stroke-width=\"6\""
        if let tooltip {
            body += "<rect \(attributes)><title>\(SafeText.xml(tooltip))</title></rect>\n"
        } else {
            body += "<rect \(attributes)/>\n"
        }
    }

    mutating func line(
        _ x1: Int, _ y1: Int, _ x2: Int, _ y2: Int, isFaint: Bool = true, width: Int = 8, dashes: String? = nil
    ) {
        let dash = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
        body +=
            "<line class=\"\(isFaint ? "rule" : "axis")\" x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" "
            + "stroke=\"\(isFaint ? Self.faint : Self.ink)\" stroke-width=\"\(width)\"\(dash)/>\n"
    }

    mutating func text(
        _ x: Int, _ y: Int, _ text: String, anchor: Anchor = .start, size: Int = 110, isBold: Bool = false,
        isReversed: Bool = false
    ) {
        body +=
            "<text class=\"\(isReversed ? "reversed" : "ink")\" x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" "
            + "text-anchor=\"\(anchor.rawValue)\" fill=\"\(isReversed ? "#ffffff" : Self.ink)\""
            + (isBold ? " font-weight=\"bold\"" : "") + ">\(SafeText.xml(text))</text>\n"
    }

    /// A line through points. `style` 0, 1, 2 … differ in dashes, not only in shade.
    mutating func curve(_ points: [(x: Int, y: Int)], style: Int) {
        let dashes = ["", "120 60", "30 50", "160 50 30 50"][style % 4]
        let list = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
        body +=
            "<polyline class=\"curve\" points=\"\(list)\" fill=\"none\" stroke=\"\(Self.ink)\" stroke-width=\"16\""
            + (dashes.isEmpty ? "" : " stroke-dasharray=\"\(dashes)\"") + "/>\n"
    }

    mutating func point(_ x: Int, _ y: Int) {
        body += "<circle class=\"dot\" cx=\"\(x)\" cy=\"\(y)\" r=\"35\" fill=\"\(Self.ink)\"/>\n"
    }

    mutating func cross(_ x: Int, _ y: Int, _ width: Int, _ height: Int) {
        body +=
            "<path class=\"gap\" d=\"M\(x) \(y)l\(width) \(height)M\(x + width) \(y)l\(-width) \(height)\" "
            + "stroke=\"\(Self.ink)\" stroke-width=\"9\" fill=\"none\"/>\n"
    }
}

/// A scale from 0 to a round number at or above the largest value.
struct ChartScale {
    /// The largest tick: 1, 2 or 5 times a power of ten in each step.
    let top: Int128
    let ticks: [Int128]

    init(largest: Int128, steps: Int128 = 4) {
        var step: Int128 = 1
        let needed = max(1, (max(0, largest) + steps - 1) / steps)
        var factors: [Int128] = [2, 5, 10]
        var base: Int128 = 1
        while step < needed, base < Int128.max / 100 {
            if factors.isEmpty {
                base *= 10
                factors = [2, 5, 10]
            }
            step = base * factors.removeFirst()
        }
        let count = largest <= 0 ? 1 : (largest + step - 1) / step
        top = step * max(1, count)
        ticks = (0...max(1, count)).map { $0 * step }
    }

    /// Where a value lies on a stretch of so many tenths of a pixel.
    func position(_ value: Int128, over length: Int) -> Int {
        guard value > 0 else { return 0 }
        let (product, overflow) = value.multipliedReportingOverflow(by: Int128(length))
        return Int(overflow ? value / (top / Int128(length)) : product / top)
    }
}
