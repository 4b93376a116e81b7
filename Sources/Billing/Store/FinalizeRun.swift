package import Metering

/// What a run of finalizing is to do.
package struct FinalizeOrder: Sendable {
    /// The instant by which a period must be over and grace is measured: now, or an earlier one for a report.
    package var now: Timestamp
    package var by: String
    /// Only this contract.
    package var contract: String?
    /// Only this invoice: the id of a draft.
    package var draft: String?
    /// Only the period that starts in this month.
    package var month: String?
    /// Bill what there is, whatever the contract's policy.
    package var allowsIncomplete = false
    /// Contracts a transaction.
    package var batch = 500
    /// Batches at once, each on a connection of its own.
    package var finalizers = 3

    package init(now: Timestamp, by: String) {
        self.now = now
        self.by = by
    }
}

/// What a run of finalizing did.
package struct FinalizeRun: Sendable, Encodable {
    package struct Finalized: Hashable, Sendable, Encodable {
        package var number: String
        package var id: String
        package var tenant: String
        package var month: String
        package var currency: String
        package var payableMinor: Int128
        /// Grace ran out: the coverage is printed.
        package var isIncomplete: Bool
        package var coverage: String

        private enum CodingKeys: String, CodingKey {
            case number, id, tenant, month, currency, coverage
            case payableMinor = "payable_minor"
            case isIncomplete = "incomplete"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(number, forKey: .number)
            try container.encode(id, forKey: .id)
            try container.encode(tenant, forKey: .tenant)
            try container.encode(month, forKey: .month)
            try container.encode(currency, forKey: .currency)
            try container.encode(minorUnits: payableMinor, forKey: .payableMinor)
            try container.encode(isIncomplete, forKey: .isIncomplete)
            try container.encode(coverage, forKey: .coverage)
        }
    }

    /// A period that is not finalized, and why.
    package struct Held: Hashable, Sendable, Encodable {
        package var tenant: String
        package var contract: String
        package var month: String
        package var reason: String
    }

    package var finalized: [Finalized] = []
    /// Not yet: the run may come again.
    package var waiting: [Held] = []
    /// Can not be: something has to be mended.
    package var failed: [Held] = []
    /// The numbers of credit notes for usage that fell.
    package var creditNotes: [String] = []

    package init() {}

    package mutating func add(_ other: FinalizeRun) {
        finalized += other.finalized
        waiting += other.waiting
        failed += other.failed
        creditNotes += other.creditNotes
    }

    private enum CodingKeys: String, CodingKey {
        case finalized, waiting, failed
        case creditNotes = "credit_notes"
    }
}
