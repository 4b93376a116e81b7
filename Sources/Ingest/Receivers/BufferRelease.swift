internal import NIOCore
internal import NIOHTTP2

/// Lets go of the buffer in which gRPC has put a stream's message together, as soon as it is handed on.
///
/// gRPC keeps it until the stream's next bytes, which an Envoy sends a flush later: a message's size for each Envoy, for
/// nothing. An empty DATA frame, which says nothing in HTTP/2, takes its place. It is let in behind HTTP/2, so that no
/// window and no state of a stream hears of it.
final class BufferRelease: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload

    /// Whether bytes came since the last release, on a stream that its peer has not ended.
    private var mayHold = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .data(let frame): mayHold = !frame.endStream
        case .headers(let frame) where frame.endStream: mayHold = false
        case .rstStream: mayHold = false
        default: break
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mayHold {
            mayHold = false
            let nothing = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer()))
            context.fireChannelRead(wrapInboundOut(.data(nothing)))
        }
        context.fireChannelReadComplete()
    }
}
