import Hummingbird
import ServiceLifecycle
import Synchronization

/// An HTTP interface as a service that names its address when it can not listen there.
struct RESTService: Service {
    private let address: ListenAddress
    private let name: String
    private let application: any ApplicationProtocol
    private let hasListened: Listened

    private final class Listened: Sendable {
        let value = Atomic(false)
    }

    /// - Parameters:
    ///   - name: `REST`
    ///   - announce: told the port when it listens.
    ///   - makeApplication: given what to call with the port when it listens.
    init(
        on address: ListenAddress, named name: String, announce: @escaping @Sendable (Int) -> Void,
        makeApplication: (_ onListening: @escaping @Sendable (Int) -> Void) throws -> any ApplicationProtocol
    ) rethrows {
        let listened = Listened()
        self.address = address
        self.name = name
        hasListened = listened
        application = try makeApplication { port in
            listened.value.store(true, ordering: .relaxed)
            announce(port)
        }
    }

    func run() async throws {
        do {
            try await application.run()
        } catch let error where !(error is CancellationError) && !hasListened.value.load(ordering: .relaxed) {
            throw CommandError(
                .failure,
                "\(name) can not listen on \(address): \(error); stop what listens there, or choose another port")
        }
    }
}
