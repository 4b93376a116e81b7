import StrictYAML
import Yams

extension YAMLField {
    /// Minor units: an integer, or a string with at most six decimals.
    func amount() throws(YAMLFieldError) -> ExactAmount {
        guard let amount = exactAmount else {
            throw error(
                "found \(kind), which should be 0 or more minor units: an integer as 9000, or a string with at most six "
                    + "decimals as \"9000.5\"")
        }
        return amount
    }

    /// A percentage from 0 to `maximum`, with the precision of an amount.
    func percent(upTo maximum: Int64) throws(YAMLFieldError) -> ExactAmount {
        guard let percent = exactAmount, percent.millionths <= ExactAmount(maximum).millionths else {
            throw error(
                "found \(kind), which should be a percentage from 0 to \(maximum): an integer as 19, or a string with at "
                    + "most six decimals as \"7.5\"")
        }
        return percent
    }

    /// A date.
    func date() throws(YAMLFieldError) -> LocalDate {
        guard let scalar = node.scalar, let date = try? LocalDate(scalar.string) else {
            throw error("found \(kind), which should be a date that exists, as 2026-01-31")
        }
        return date
    }

    /// A decimal is text: a plain one would have been a binary fraction to other readers of the file.
    private var exactAmount: ExactAmount? {
        guard let scalar = node.scalar, let amount = ExactAmount(digits(of: scalar)) else { return nil }
        let isPlain = scalar.style == .plain || scalar.style == .any
        return isPlain && scalar.string.contains(".") ? nil : amount
    }
}
