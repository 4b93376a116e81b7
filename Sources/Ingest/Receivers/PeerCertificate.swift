internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
package import NIOCore
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// The names of a client's certificate: URI and DNS names, or where it has none its common name.
package enum PeerCertificate {
    static func names(_ context: ServerContext) -> [String] {
        guard let posix = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = posix.peerCertificate
        else { return [] }
        return names(certificate)
    }

    /// Of the client at the other end of a connection with TLS; none where it has no certificate.
    package static func names(of channel: any Channel) async -> [String] {
        guard let certificate = try? await channel.nioSSL_peerCertificate().get(),
            let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes)
        else { return [] }
        return names(parsed)
    }

    private static func names(_ certificate: Certificate) -> [String] {
        var names: [String] = []
        if let alternatives = try? certificate.extensions.subjectAlternativeNames {
            for name in alternatives {
                switch name {
                case .dnsName(let text), .uniformResourceIdentifier(let text): names.append(text)
                default: continue
                }
            }
        }
        guard names.isEmpty else { return names }
        for relative in certificate.subject {
            for attribute in relative where attribute.type == .RDNAttributeType.commonName {
                names.append("\(attribute.value)")
            }
        }
        return names
    }
}

extension PeerAddress {
    /// `ipv4:10.0.0.7:49152`, `ipv6:[::1]:49152`: as the transport names a peer.
    init?(grpcPeer peer: String) {
        guard let colon = peer.firstIndex(of: ":"), let port = peer.lastIndex(of: ":"), colon < port else { return nil }
        var host = peer[peer.index(after: colon)..<port]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(String(host))
    }
}
