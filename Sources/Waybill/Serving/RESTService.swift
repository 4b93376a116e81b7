import Hummingbird
import ServiceLifecycle
import Synchronization

/// The HTTP interface as a service that names its address when it can not listen there.
struct RESTService: Service {
    private let address: ListenAddress
    private let application: any ApplicationProtocol
    private let hasListened: Listened

    private final class Listened: Sendable {
        let value = Atomic(false)
    }

    /// - Parameter makeApplication: given what to call with the port when it listens.
    init(
        on address: ListenAddress, announce: @escaping @Sendable (Server.Listening) -> Void,
        makeApplication: (_ onListening: @escaping @Sendable (Int) -> Void) -> any ApplicationProtocol
    ) {
        let listened = Listened()
        self.address = address
        hasListened = listened
        application = makeApplication { port in
            listened.value.store(true, ordering: .relaxed)
            announce(.api(host: address.host, port: port))
        }
    }

    func run() async throws {
        do {
            try await application.run()
        } catch let error where !(error is CancellationError) && !hasListened.value.load(ordering: .relaxed) {
            throw CommandError(
                .failure,
                "REST can not listen on \(address): \(error); stop what listens there, or choose another port")
        }
    }
}
