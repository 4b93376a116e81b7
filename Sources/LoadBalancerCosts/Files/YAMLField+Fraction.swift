import StrictYAML

extension YAMLField {
    /// A decimal that is not negative.
    func fraction() throws(YAMLFieldError) -> Fraction {
        guard let value = digits.flatMap({ Fraction(decimal: $0) }), !value.isNegative else {
            throw error("found \(kind), which should be a decimal that is not negative")
        }
        return value
    }

    /// A decimal above zero.
    func divisor() throws(YAMLFieldError) -> Fraction {
        let value = try fraction()
        guard !value.isZero else { throw error("must be above 0") }
        return value
    }

    /// A whole number of at least `least`, which may be written as a decimal or with an exponent.
    func whole(atLeast least: Int64 = 0) throws(YAMLFieldError) -> Int64 {
        let value = try fraction()
        guard value.denominator == 1, let whole = Int64(exactly: value.numerator), whole >= least else {
            throw error("found \(kind), which should be a whole number of at least \(least)")
        }
        return whole
    }

    /// An error of the cost model at this place.
    func error(_ code: LoadBalancerCostError.Code, _ message: String) -> LoadBalancerCostError {
        LoadBalancerCostError(code, error(message).description)
    }
}

extension LoadBalancerCostError {
    /// Runs `body`, whose YAML errors become errors of invalid input.
    static func reading<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as YAMLFieldError {
            throw LoadBalancerCostError(.invalidInput, error.description)
        }
    }
}
