/// How a sink writes tags into statsd lines. The wire does not say: it is configured.
///
/// ```
/// plain       prefix.http.ingress_http.downstream_rq_total:17|c
/// dogstatsd   prefix.http.downstream_rq_total:17|c|#envoy.http_conn_manager_prefix:ingress_http
/// graphite    prefix.http.downstream_rq_total;envoy.http_conn_manager_prefix=ingress_http:17|c
/// ```
package enum StatsdDialect: String, Hashable, Sendable, CaseIterable {
    case plain = "statsd"
    case dogstatsd
    case graphite
}
