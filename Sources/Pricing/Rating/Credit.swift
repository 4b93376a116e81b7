/// Prepaid money of a customer that an invoice can draw on.
package struct Credit: Hashable, Sendable {
    /// Its identity; the tie-break between credits that expire together.
    package let id: String
    /// What is left of it.
    package let remaining: Money
    /// The first local date on which it can no longer be used; nil for never.
    package let expires: LocalDate?

    /// A credit.
    package init(id: String, remaining: Money, expires: LocalDate?) {
        self.id = id
        self.remaining = remaining
        self.expires = expires
    }
}

/// How credits pay for a total.
package struct CreditApplication: Hashable, Sendable {
    /// What is drawn from one credit: positive.
    package struct Draw: Hashable, Sendable {
        /// The credit.
        package let creditID: String
        /// What is taken from it.
        package let amount: Money
    }

    /// In the order of drawing.
    package let draws: [Draw]
    /// What is left to pay, never below zero.
    package let payable: Money
    /// What a total below zero owes the customer: it stays credit and is not paid out.
    /// Σ draws + payable − surplus = total.
    package let surplus: Money

    /// Draws on the credits that are valid on a date, the earliest expiry first, until the total is paid or they are
    /// used up. The payable amount is never below zero; what is not needed stays credit. All in the total's currency.
    package init(of credits: [Credit], to total: Money, on date: LocalDate) throws(PricingError) {
        let valid = credits.filter { credit in credit.expires.map { date < $0 } ?? true }.sorted(by: Self.isDrawnBefore)
        var open = total.minorUnits
        var draws: [Draw] = []
        for credit in valid {
            guard credit.remaining.currency == total.currency else {
                throw PricingError(
                    .currencyMismatch,
                    "credit \(credit.id) is in \(credit.remaining.currency) and can not pay a total in \(total.currency)"
                )
            }
            let drawn = min(open, credit.remaining.minorUnits)
            guard drawn > 0 else { continue }
            open -= drawn
            draws.append(Draw(creditID: credit.id, amount: Money(minorUnits: drawn, currency: total.currency)))
        }
        self.draws = draws
        payable = Money(minorUnits: max(0, open), currency: total.currency)
        surplus = Money(minorUnits: max(0, 0 - open), currency: total.currency)
    }

    private static func isDrawnBefore(_ lhs: Credit, _ rhs: Credit) -> Bool {
        switch (lhs.expires, rhs.expires) {
        case (let left?, let right?) where left != right: left < right
        case (_?, nil): true
        case (nil, _?): false
        default: lhs.id < rhs.id
        }
    }
}
