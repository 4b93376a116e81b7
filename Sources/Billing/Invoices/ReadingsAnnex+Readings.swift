extension ReadingsAnnex {
    /// The annex of a full list of readings. `billed` is the quantity of requests on the invoice.
    package init(_ readings: [MeterReading], billed: Int64) {
        let requests = readings.filter { $0.dimension == "requests" }
        let byGateway = Dictionary(grouping: requests, by: \.gateway)
        gateways = byGateway.keys.sorted().map { Row(gateway: $0, instance: nil, byGateway[$0] ?? []) }
        let byInstance = Dictionary(grouping: requests) { [$0.gateway, $0.instance] }
        let rows = byInstance.map { Row(gateway: $0.key[0], instance: $0.key[1], $0.value) }
        instances = Array(
            rows.sorted {
                ($1.difference, $0.gateway, $0.instance ?? "") < ($0.difference, $1.gateway, $1.instance ?? "")
            }
            .prefix(Self.largest))
        instanceCount = rows.count
        readingCount = readings.count
        csvDigest = Digest.hex(Self.csv(readings))
        difference = requests.reduce(0) { $0 &+ $1.difference }
        corrections = billed &- difference
    }

    /// All readings as CSV, a row a span; its digest stands on paper.
    package static func csv(_ readings: [MeterReading]) -> String {
        var text = "gateway,instance,epoch,service,counter,dimension,opened_at,opening,closed_at,closing,difference\r\n"
        for reading in readings {
            let head = [
                reading.gateway, reading.instance, String(reading.epoch), reading.service, reading.counter,
                reading.dimension,
            ]
            .map(quoted).joined(separator: ",")
            for span in reading.spans {
                text +=
                    "\(head),\(span.openedAt),\(span.opening),\(span.closedAt),\(span.closing),\(span.difference)\r\n"
            }
        }
        return text
    }

    /// RFC 4180; a cell that a spreadsheet would compute begins with an apostrophe.
    private static func quoted(_ cell: String) -> String {
        let isFormula = cell.first.map { "=+-@\t".contains($0) } ?? false
        let text = isFormula ? "'" + cell : cell
        guard text.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

extension ReadingsAnnex.Row {
    fileprivate init(gateway: String, instance: String?, _ readings: [MeterReading]) {
        self.gateway = gateway
        self.instance = instance
        var opening: Int64 = 0
        var closing: Int64 = 0
        // One counter may have several readings, an epoch each.
        for epochs in Dictionary(grouping: readings, by: { [$0.instance, $0.counter] }).values {
            let spans = epochs.flatMap(\.spans).sorted { ($0.openedAt, $0.closedAt) < ($1.openedAt, $1.closedAt) }
            opening &+= spans.first?.opening ?? 0
            closing &+= spans.last?.closing ?? 0
        }
        self.opening = opening
        self.closing = closing
        let spans = readings.flatMap(\.spans)
        openedAt = spans.map(\.openedAt).min() ?? ""
        closedAt = spans.map(\.closedAt).max() ?? ""
        resets = spans.count - Set(readings.map { [$0.instance, $0.counter] }).count
        difference = readings.reduce(0) { $0 &+ $1.difference }
    }
}
