import LoadBalancerCosts
import Testing

@Suite struct ServiceManifestTests {
    static let manifest = """
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: other }
        ---
        apiVersion: v1
        kind: Service
        metadata:
          name: enroute
          namespace: edge
          annotations:
            service.beta.kubernetes.io/aws-load-balancer-type: nlb
            service.beta.kubernetes.io/aws-load-balancer-backend-protocol: tcp
            service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled: "true"
            service.beta.kubernetes.io/aws-load-balancer-proxy-protocol: "*"
        spec:
          type: LoadBalancer
          externalTrafficPolicy: Local
        """

    private func read(_ text: String) throws -> ServiceManifest { try ServiceManifest(text, name: "service.yaml") }

    @Test("the annotations decide the assumptions, and each names its own")
    func annotations() throws {
        let assumptions = try read(Self.manifest).assumptions
        #expect(assumptions.crossZone)
        #expect(assumptions.nlbListener == .tcp)
        #expect(assumptions.externalTrafficPolicy == .local)
        #expect(assumptions.source(.crossZone).contains("cross-zone-load-balancing-enabled"))
        #expect(assumptions.source(.rules) == "default")
    }

    @Test("cross-zone is said with what it costs for the traffic")
    func cost() throws {
        let manifest = try read(Self.manifest)
        let series = try TrafficSeries.flat(
            monthlyRequests: Fraction(1_000_000_000), bytesPerRequest: Fraction(5_000),
            requestsPerConnection: Fraction(50),
            connectionSeconds: Fraction(60))
        let notes = try manifest.notes(series, manifest.assumptions, catalogue: Fixture.catalogue, region: "us-east-1")
        #expect(notes.contains("cross-zone is on: +66.67 USD"))
    }

    @Test(
        "an annotation changes what it should",
        arguments: [
            ("backend-protocol: tcp", "ssl-cert: arn:aws:acm:x", "nlb_listener", "tls"),
            (
                "cross-zone-load-balancing-enabled: \"true\"", "attributes: load_balancing.cross_zone.enabled=true",
                "cross_zone", "true"
            ),
            ("cross-zone-load-balancing-enabled: \"true\"", "scheme: internet-facing", "cross_zone", "false"),
            ("externalTrafficPolicy: Local", "externalTrafficPolicy: Cluster", "external_traffic_policy", "cluster"),
            ("  externalTrafficPolicy: Local", "", "external_traffic_policy", "cluster"),
        ])
    func change(old: String, new: String, name: String, value: String) throws {
        let assumptions = try read(Self.manifest.replacing(old, with: new)).assumptions
        #expect(try assumptions.text(#require(Assumptions.Name(rawValue: name))) == value)
    }

    @Test("IP targets have no node hop whatever the policy")
    func targets() throws {
        let text = Self.manifest.replacing("backend-protocol: tcp", with: "nlb-target-type: ip")
            .replacing("Policy: Local", with: "Policy: Cluster")
        #expect(try read(text).assumptions.externalTrafficPolicy == .local)
    }

    @Test(
        "a manifest that makes no load balancer is refused",
        arguments: [
            ("kind: Service", "kind: Ingress", "holds no Service"),
            ("type: LoadBalancer", "type: ClusterIP", "type is ClusterIP"),
            ("\"true\"", "\"yes\"", "give true or false"), ("Policy: Local", "Policy: Near", "give Local or Cluster"),
            ("kind: Service", "kind: [", "not YAML"),
        ])
    func refused(old: String, new: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) { try read(Self.manifest.replacing(old, with: new)) }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }
}
