/// The HTTP interface on Hummingbird. This first cut answers a tenant's monthly usage, on loopback, without keys.
package import Hummingbird
package import Logging
import ServiceLifecycle
package import UsageStore

package enum WebAPI {
    /// The routes, on a router of their own: the same ones for the server and for tests.
    package static func router(_ store: UsageStore) -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: ProblemMiddleware())
        UsageRoutes(store: store).add(to: router.group("v1"))
        return router
    }

    /// The server as a service. `onListening` is given the port that it listens on.
    package static func application(
        _ store: UsageStore, host: String, port: Int, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void
    ) -> some ApplicationProtocol {
        Application(
            router: router(store),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "waybill"),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
            logger: logger
        )
    }
}
