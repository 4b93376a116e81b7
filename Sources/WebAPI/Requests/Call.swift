import Foundation
import Hummingbird
package import LoadBalancerCosts
import Logging
import PostgreSQL
package import Savings
package import UsageStore

/// One request to an endpoint, after its credential was checked.
struct Call: Sendable {
    let request: Request
    let parameters: Parameters
    let query: Query
    let principal: Principal
    /// The body, read whole; empty for GET.
    let body: [UInt8]
    let stores: APIStores
    let resources: APIResources
    let limits: RequestLimits
    let logger: Logger

    /// The store through which this principal may read: a tenant's sees its own rows alone.
    var store: UsageStore { principal.tenant == nil ? stores.operators : stores.tenants }

    /// Runs work so that each of its transactions names the principal's tenant to row-level security.
    func asPrincipal<Result: Sendable>(_ work: @Sendable () async throws -> Result) async throws -> Result {
        guard let tenant = principal.tenant else { return try await work() }
        return try await TransactionScope.$settings.withValue(
            [.init("waybill.tenant", tenant.id)], operation: work)
    }

    /// The tenant that the request is about: the credential's, or the one that the operator names.
    ///
    /// - Throws: ``Problem`` 404 when a tenant's credential names another tenant; 400 when the operator names none.
    func tenant() throws -> String {
        if let own = principal.tenant {
            guard let named = try query.text("tenant"), named != own.name else { return own.name }
            throw Problem.notFound("there is no tenant \(named)")
        }
        return try query.required("tenant", "name the tenant")
    }

    /// As ``tenant()``, but the operator may leave it out, for all tenants.
    func tenantIfNamed() throws -> String? {
        if principal.tenant != nil { return try tenant() }
        return try query.text("tenant")
    }

    /// A part of the path.
    func path(_ name: String) throws -> String {
        guard let value = parameters.get(name), !value.isEmpty, !value.utf8.contains(0) else {
            throw Problem.notFound("there is nothing at \(request.uri.path)")
        }
        return value
    }

    /// The JSON body; unknown keys are refused.
    ///
    /// - Throws: ``Problem`` 400 where it is no JSON, 422 where a field is missing, unknown or of the wrong kind.
    func json<Body: Decodable>(_ type: Body.Type, keys: [String]) throws -> Body {
        let data = Data(body)
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
        } catch {
            throw Problem("malformed", "Malformed content", 400, "the body is not JSON")
        }
        guard let object = object as? [String: Any] else {
            throw Problem.unprocessable("body", rule: "type", "is not a JSON object")
        }
        // No name, reason or id that the database could keep holds one.
        if Self.holdsNUL(object) { throw Problem.unprocessable("body", rule: "format", "a text in it holds a NUL") }
        if let unknown = object.keys.sorted().first(where: { !keys.contains($0) }) {
            throw Problem.unprocessable(unknown, rule: "unknown", "is not one of \(keys.joined(separator: ", "))")
        }
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(type, from: data)
        } catch let error as DecodingError {
            throw Self.problem(error)
        }
    }

    private static func holdsNUL(_ value: Any) -> Bool {
        switch value {
        case let text as String: text.utf8.contains(0)
        case let entries as [Any]: entries.contains { holdsNUL($0) }
        case let object as [String: Any]: object.contains { $0.key.utf8.contains(0) || holdsNUL($0.value) }
        default: false
        }
    }

    private static func problem(_ error: DecodingError) -> Problem {
        func name(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "body" : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return .unprocessable(name(context.codingPath + [key]), rule: "required", "is missing")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return .unprocessable(name(context.codingPath), rule: "type", context.debugDescription)
        @unknown default:
            return .unprocessable("body", rule: "type", "can not be read")
        }
    }
}

/// What answers are made with beside the stores; nil where the server was started without it.
package struct APIResources: Sendable {
    /// How invoices are rendered; JSON alone without it.
    package var forms: InvoiceForms?
    /// The shipped prices of load balancers.
    package var catalogue: PriceCatalogue?
    /// Gives a gateway's fee where a comparison names no price book.
    package var feeBook: ComparisonRequest.FeeBook?

    package init(
        forms: InvoiceForms? = nil, catalogue: PriceCatalogue? = nil, feeBook: ComparisonRequest.FeeBook? = nil
    ) {
        self.forms = forms
        self.catalogue = catalogue
        self.feeBook = feeBook
    }
}

/// The stores behind the API: tenants read through a role that row-level security binds, operators through another.
package struct APIStores: Sendable {
    package let tenants: UsageStore
    package let operators: UsageStore
    let recentKeys = RecentKeys()
    let months = MonthMemory()

    package init(tenants: UsageStore, operators: UsageStore) {
        self.tenants = tenants
        self.operators = operators
    }
}
