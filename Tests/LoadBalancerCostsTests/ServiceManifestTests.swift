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
            (
                "cross-zone-load-balancing-enabled: \"true\"",
                "attributes: a.b=c, load_balancing.cross_zone.enabled=false",
                "cross_zone", "false"
            ),
            ("externalTrafficPolicy: Local", "ports: [{ port: 53, protocol: UDP }]", "nlb_listener", "udp"),
            ("externalTrafficPolicy: Local", "ports: [{ port: 443 }]", "nlb_listener", "tcp"),
            ("aws-load-balancer-type: nlb", "aws-load-balancer-type: nlb-ip", "external_traffic_policy", "local"),
            ("externalTrafficPolicy: Local", "externalTrafficPolicy: Cluster", "external_traffic_policy", "cluster"),
            ("  externalTrafficPolicy: Local", "", "external_traffic_policy", "cluster"),
        ])
    func change(old: String, new: String, name: String, value: String) throws {
        let assumptions = try read(Self.manifest.replacing(old, with: new)).assumptions
        #expect(try assumptions.text(#require(Assumptions.Name(rawValue: name))) == value)
    }

    @Test("a list of kubectl and a load balancer class are read too, and what is reserved is said")
    func list() throws {
        let item = Self.manifest.split(separator: "---\n")[1].split(separator: "\n").map { "  " + $0 }
            .joined(separator: "\n").replacing("  apiVersion", with: "- apiVersion")
            .replacing(
                "aws-load-balancer-type: nlb",
                with: "aws-load-balancer-minimum-load-balancer-capacity: CapacityUnits=100"
            )
            .replacing("type: LoadBalancer", with: "type: LoadBalancer\n    loadBalancerClass: service.k8s.aws/nlb")
        let manifest = try read("kind: List\nitems:\n\(item)\n")
        #expect(manifest.service == "edge/enroute")
        #expect(manifest.assumptions.crossZone)
        let series = try TrafficSeries([TrafficHour(idle: 0)])
        let notes = try manifest.notes(series, manifest.assumptions, catalogue: Fixture.catalogue, region: "us-east-1")
        #expect(notes.contains { $0.contains("class service.k8s.aws/nlb") })
        #expect(notes.contains { $0.contains("100 NLCU are reserved") && $0.contains("no price for nlb_reserved_lcu") })
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
            ("kind: Service", "kind: [", "not YAML"), ("type: nlb", "type: alb", "give nlb, external or nlb-ip"),
            ("backend-protocol: tcp", "nlb-target-type: pod", "give ip or instance"),
            ("backend-protocol: tcp", "attributes: load_balancing.cross_zone.enabled", "give name=value"),
            ("backend-protocol: tcp", "minimum-load-balancer-capacity: many", "give CapacityUnits=N"),
            ("backend-protocol: tcp", "scheme: open", "give internal or internet-facing"),
        ])
    func refused(old: String, new: String, names: String) throws {
        let error = #expect(throws: LoadBalancerCostError.self) { try read(Self.manifest.replacing(old, with: new)) }
        #expect(try #require(error).message.contains(names), "\(error?.message ?? "")")
    }
}
