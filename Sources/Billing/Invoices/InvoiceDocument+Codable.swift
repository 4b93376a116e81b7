extension InvoiceDocument: Codable {
    private enum CodingKeys: String, CodingKey {
        case engine, id, number, revision, tenant, seller, buyer, currency, period, price, lines, taxes, credits, usage
        case coverage, readings, inputs
        case issuedOn = "issued_on"
        case issuedAt = "issued_at"
        case contractID = "contract_id"
        case subtotalMinor = "subtotal_minor"
        case totalMinor = "total_minor"
        case payableMinor = "payable_minor"
        case inputsDigest = "inputs_digest"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        engine = try container.decode(String.self, forKey: .engine)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        number = try container.decodeIfPresent(String.self, forKey: .number)
        revision = try container.decode(Int.self, forKey: .revision)
        issuedOn = try container.decodeIfPresent(String.self, forKey: .issuedOn)
        issuedAt = try container.decodeIfPresent(String.self, forKey: .issuedAt)
        tenant = try container.decode(String.self, forKey: .tenant)
        contractID = try container.decode(String.self, forKey: .contractID)
        seller = try container.decode(Party.self, forKey: .seller)
        buyer = try container.decode(Party.self, forKey: .buyer)
        currency = try container.decode(String.self, forKey: .currency)
        period = try container.decode(InvoicePeriod.self, forKey: .period)
        price = try container.decode(InvoicePrice.self, forKey: .price)
        lines = try container.decode([InvoiceLine].self, forKey: .lines)
        subtotalMinor = try container.minorUnits(forKey: .subtotalMinor)
        taxes = try container.decode([InvoiceTax].self, forKey: .taxes)
        totalMinor = try container.minorUnits(forKey: .totalMinor)
        credits = try container.decode([InvoiceCredit].self, forKey: .credits)
        payableMinor = try container.minorUnits(forKey: .payableMinor)
        usage = try container.decode(InvoiceUsage.self, forKey: .usage)
        coverage = try container.decode(InvoiceCoverage.self, forKey: .coverage)
        readings = try container.decode(ReadingsAnnex.self, forKey: .readings)
        inputs = try container.decode([InputDigest].self, forKey: .inputs)
        inputsDigest = try container.decode(String.self, forKey: .inputsDigest)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(engine, forKey: .engine)
        try container.encodeIfPresent(id, forKey: .id)
        try container.encodeIfPresent(number, forKey: .number)
        try container.encode(revision, forKey: .revision)
        try container.encodeIfPresent(issuedOn, forKey: .issuedOn)
        try container.encodeIfPresent(issuedAt, forKey: .issuedAt)
        try container.encode(tenant, forKey: .tenant)
        try container.encode(contractID, forKey: .contractID)
        try container.encode(seller, forKey: .seller)
        try container.encode(buyer, forKey: .buyer)
        try container.encode(currency, forKey: .currency)
        try container.encode(period, forKey: .period)
        try container.encode(price, forKey: .price)
        try container.encode(lines, forKey: .lines)
        try container.encode(minorUnits: subtotalMinor, forKey: .subtotalMinor)
        try container.encode(taxes, forKey: .taxes)
        try container.encode(minorUnits: totalMinor, forKey: .totalMinor)
        try container.encode(credits, forKey: .credits)
        try container.encode(minorUnits: payableMinor, forKey: .payableMinor)
        try container.encode(usage, forKey: .usage)
        try container.encode(coverage, forKey: .coverage)
        try container.encode(readings, forKey: .readings)
        try container.encode(inputs, forKey: .inputs)
        try container.encode(inputsDigest, forKey: .inputsDigest)
    }
}
